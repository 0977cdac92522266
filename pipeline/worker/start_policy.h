#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/consume/group_member.h"
#include "pipeline/consume/partition_log.h"
#include "pipeline/job/job.h"

namespace tacho {

std::vector<TopicPartition> PartitionsOf(const std::string& topic,
                                         int32_t partitions);
// The group's offsets of all of them. Waits.
Result<std::vector<PartitionOffset>> CommittedOfTopic(PartitionLog& log,
                                                      const std::string& topic,
                                                      int32_t partitions);

// Where a partition starts of which the group has no offset: as
// group.offset_reset says, once for the whole group.
//
// Threading: one thread. Waits on the network.
class StartPolicy {
 public:
  // `generation`: of the group's changelog, for the offsets' metadata. The
  // others outlive it.
  StartPolicy(const Job& job, GroupMember& member, PartitionLog& log,
              int64_t generation)
      : job_(job), member_(member), log_(log), generation_(generation) {}

  // The start, committed. `partitions`: of the topic. Errors: kUnavailable
  // (retryable), kInvalidArgument if the policy is to have none.
  Result<Offset> Resolve(const TopicPartition& tp, int32_t partitions);
  // The last error is no fault: another member has to act first.
  bool waits_for_owner() const { return waits_for_owner_; }

 private:
  Result<Offset> CommitStarts(const std::vector<PartitionOffset>& known,
                              const TopicPartition& tp, bool at_end);

  const Job& job_;
  GroupMember& member_;
  PartitionLog& log_;
  const int64_t generation_;
  bool waits_for_owner_ = false;
};

}  // namespace tacho
