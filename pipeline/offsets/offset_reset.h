#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/offsets/group_status.h"
#include "pipeline/restore/changelog.h"

namespace tacho {

// Where a reset moves a partition to.
struct ResetTarget {
  enum class Kind : uint8_t { kEarliest, kLatest, kTime, kOffset };
  Kind kind = Kind::kEarliest;
  Timestamp time{};
  Offset offset = 0;

  bool operator==(const ResetTarget&) const = default;
};
// "earliest", "latest", an offset in digits, or an ISO-8601 time with its zone.
Result<ResetTarget> ParseResetTarget(std::string_view text);

struct ResetRequest {
  ResetTarget target;
  bool wipe = false;                // Else the state is kept.
  std::string topic;                // Empty: all inputs of the job.
  std::vector<int32_t> partitions;  // Empty: all; of one topic.
};

// One partition's move.
struct PlannedMove {
  TopicPartition tp;
  Offset from = kNoOffset;
  Offset to = 0;
  int64_t generation = 0;  // That the new offset names.
  std::string note;        // Why `to` is not what was asked; empty: it is.
};

// A changelog that a wipe begins with.
struct PlannedChangelog {
  std::string input;
  int64_t generation = 0;
  int32_t partitions = 0;
  bool exists = false;  // A reset that was cut short has made it.
};

struct ResetPlan {
  std::string group;
  std::string job;
  bool wipe = false;
  std::vector<PlannedMove> moves;
  std::vector<PlannedChangelog> changelogs;
};

// What a reset would do, without doing it. Pure.
//
// A wipe begins a generation of a topic, for all of its partitions: a partition
// whose offset is lost is looked for in the others' generation. The next one is
// higher than that of any partition and of any changelog that was written to,
// so none is used twice. Under at_least_once_local, which has no changelogs, a
// reset of either kind begins a generation, of some partitions if so asked: by
// it a worker knows whether its state has obeyed the reset.
//
// Errors: kInvalidArgument: a topic or partition that is not the job's, a wipe
// of a part of a topic, offsets of a later version, or state to be kept that is
// another job's or tacho 0.1's.
Result<ResetPlan> PlanReset(const GroupStatus& group_status,
                            const ResetRequest& request);

// Does it: first the changelogs, then, as the switch, the offsets. What is
// between the two when it fails does no harm: no offset names the new
// changelog, and the next plan uses it, or one after it.
// `changelog` is null for a plan without changelogs.
Status ApplyReset(
    const ResetPlan& plan, Changelog* changelog,
    const std::function<Status(const std::vector<PartitionOffset>&)>&
        move_offsets,
    Millis timeout);

}  // namespace tacho
