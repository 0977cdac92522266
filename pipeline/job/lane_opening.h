#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/commit/changelog.h"
#include "pipeline/commit/restorer.h"
#include "pipeline/commit/take_over.h"
#include "pipeline/consume/source.h"
#include "pipeline/job/job.h"
#include "pipeline/job/lane_factory.h"
#include "pipeline/job/lane_stores.h"

namespace tacho {

// A partition to be taken over.
struct OpenRequest {
  LaneSpec spec;
  std::unique_ptr<PartitionReader> reader;  // Made before the assignment.
  // The lane as the last revoke left it, if it was ours then.
  std::unique_ptr<Lane> suspended;
  // What is on disk has been found damaged.
  bool discard_local = false;
  uint64_t ticket = 0;  // Comes back with the opened lane.
};

// A lane whose store is ready.
struct OpenedLane {
  std::unique_ptr<Lane> lane;
  std::optional<Marker> marker;  // What Load is to be given.
  Offset start = kNoOffset;
  bool loaded = false;    // A suspended lane that goes on.
  bool recommit = false;  // The group's offset is not the start.
  uint64_t ticket = 0;
};

// What openings share. `changelog` is null at least once.
struct OpeningContext {
  const Job& job;
  MessageSource& source;
  LaneStores& stores;
  Changelog* changelog;
  const LaneFactory& factory;
  LaneCounters& counters;
  const Clock& clock;
  std::string cluster_id;
};

// One partition's take-over, in the order that design.md §7 gives: the group's
// offset (stable, so no transaction of an earlier owner can still commit), the
// changelog's end, the best base, replay, start.
//
// A state machine: Step does a bounded piece of the work, so that one thread
// takes over many partitions and one that must wait holds up no other.
//
// Threading: the opener's thread.
// Errors: retryable ones leave the phase as it was; Step may be called again.
class LaneOpening {
 public:
  LaneOpening(OpenRequest request, OpeningContext& context);
  ~LaneOpening();

  // What a restore reads ahead and collects takes memory.
  bool wants_to_replay() const { return phase_ == Phase::kOpenLog; }
  bool replays() const { return phase_ == Phase::kReplay; }
  // The last error is no fault: another member has to act first.
  bool waits_for_owner() const { return waits_for_owner_; }
  bool needs_committed() const { return phase_ == Phase::kCommitted; }
  // The group's offset, asked for by the opener for all lanes at once.
  void SetCommitted(const PartitionOffset& committed);

  // Does the next piece. True: it got further, or may at once.
  // REQUIRES: !needs_committed() && !done().
  Result<bool> Step();
  bool done() const { return phase_ == Phase::kDone; }
  OpenedLane Take();
  // Adds what is open to `lanes`, for somebody else to close.
  void GiveUp(std::vector<std::unique_ptr<Lane>>& lanes);

  const TopicPartition& tp() const { return request_.spec.tp; }
  // While a restore is under way.
  std::optional<Restorer::Progress> progress() const;

 private:
  enum class Phase {
    kCommitted,
    kGeneration,
    kBase,
    kOpenLog,
    kReplay,
    kStart,
    kSeek,
    kDone
  };

  Status FindGeneration();
  Result<std::vector<PartitionOffset>> CommittedOfTopic();
  Status FindBase();
  Status FindLocalBase();
  Status FindRestoreBase();
  Result<ChangelogExtent> Extent();
  // Opens the lane's store and reads its marker; what cannot be read or is not
  // wanted is removed.
  Status OpenStore();
  Status WipeStore();
  Status MakeLane(const std::optional<Marker>& marker);
  Status OpenLog();
  Result<bool> Replay();
  // What was on disk does not fit the changelog: once more, without it.
  Status RestartWithoutBase(const Status& reason);
  Status DecideStartAndState();
  Result<Offset> ResolveStart();
  Result<Offset> CommitStarts(const std::vector<PartitionOffset>& known,
                              bool at_end);
  void CloseSuspended();
  bool exactly_once() const { return context_.changelog != nullptr; }

  OpenRequest request_;
  OpeningContext& context_;
  Phase phase_ = Phase::kCommitted;
  LaneIdentity identity_;
  CommittedOffset committed_;
  std::unique_ptr<StateStore> store_;  // Until the lane is made.
  std::optional<Marker> marker_;       // Of the store.
  std::unique_ptr<Lane> lane_;
  Offset replay_from_ = 0;
  Offset replay_to_ = 0;
  Millis delete_retention_{0};
  std::unique_ptr<Restorer> restorer_;
  OpenedLane opened_;
  bool waits_for_owner_ = false;
};

}  // namespace tacho
