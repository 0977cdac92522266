#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/commit/offset_metadata.h"
#include "state/marker.h"

namespace tacho {

// The decisions of taking a partition over: what each source of truth says,
// and which of them is believed. No I/O; the steps and their order are in
// pipeline/worker/lane_take_over.h.

// The group's offset as the coordinator has it.
struct CommittedOffset {
  Offset offset = kNoOffset;
  std::optional<OffsetMetadata> metadata;  // Nothing: not written by tacho.
};

// What a changelog partition holds, uncommitted records included.
struct ChangelogExtent {
  Offset start = 0;
  Offset end = 0;
  Millis delete_retention{0};
};

// Exactly once: where a restore starts.
struct RestoreBase {
  bool use_local = false;
  Offset replay_from = 0;
  std::string why_not;  // Why what is on disk is not used; empty: nothing is.
  bool alarm = false;   // The changelog has lost what the store has.
};
// REQUIRES: `local` is the lane's, or of a generation that a reset has ended.
//
// That `local` is of this log and not of an earlier one of the same name is
// seen by the restore (Marker::log_id) or, if there is nothing to replay, by
// the epoch that the group is at (IsBehind).
RestoreBase ChooseBase(const LaneIdentity& lane,
                       const std::optional<Marker>& local,
                       const ChangelogExtent& changelog, Timestamp now);

// That a restore from `base` gives all of the state. A compacted log begins at
// offset 0 for ever: compaction leaves gaps, and only DeleteRecords and
// retention move the start. So one that begins later has lost state, unless
// what is on disk covers the loss; and one that ends before what is on disk was
// recreated or cut off.
// Errors: kCorruption with the remedy, which is to write the changelog anew
// from this host's copy where that is what the group has committed.
Status CheckWhole(const LaneIdentity& lane, const CommittedOffset& committed,
                  const std::optional<Marker>& local, const RestoreBase& base,
                  const ChangelogExtent& changelog);

// Where a lane starts.
struct StartDecision {
  Offset start = kNoOffset;      // kNoOffset: `group.offset_reset` says.
  bool use_state = false;        // False: with empty state.
  bool recommit = false;         // The group's offset is not the start.
  bool state_not_moved = false;  // At least once: the state is elsewhere.
  // An operator has accepted what the changelog has, perhaps less than some
  // copies of it: from here on it is another log.
  bool begins_log = false;
};

// Exactly once, after the restore: `state` is the store's marker.
// Errors: kCorruption with the remedy where offset and state contradict each
// other and no operator has said which is right.
Result<StartDecision> DecideStart(const LaneIdentity& lane,
                                  const CommittedOffset& committed,
                                  const std::optional<Marker>& state);

// At least once: the state stays on its host and is used if it is not behind,
// nor of another generation than the offset: one that a reset has ended.
StartDecision DecideLocalStart(const CommittedOffset& committed,
                               const std::optional<Marker>& local);

// The start lies within the partition's log [first, end].
// Errors: kCorruption with the remedy: retention has passed the offset, or the
// topic was recreated.
Status CheckStartInLog(const LaneIdentity& lane, Offset start, Offset first,
                       Offset end);

// True if the group's offset was committed with a later epoch than the state's:
// the state lacks something.
bool IsBehind(const CommittedOffset& committed, const Marker& state);

// True if the group's offset is exactly what the lane committed last: nobody
// else has worked on the partition since.
bool IsUntouched(const CommittedOffset& committed, const Marker& last);

}  // namespace tacho
