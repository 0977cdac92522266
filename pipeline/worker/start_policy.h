#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/consume/group_member.h"
#include "pipeline/consume/partition_log.h"
#include "pipeline/job/job.h"
#include "state/lane_identity.h"

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
  // All of them outlive it.
  StartPolicy(OffsetReset reset, const LaneIdentity& lane, GroupMember& member,
              PartitionLog& log)
      : reset_(reset), lane_(lane), member_(member), log_(log) {}

  // The lane's start, committed. Errors: kUnavailable (retryable),
  // kInvalidArgument if the policy is to have none.
  Result<Offset> Resolve();
  // The last error is no fault: another member has to act first.
  bool waits_for_owner() const { return waits_for_owner_; }

 private:
  Result<Offset> CommitStarts(const std::vector<PartitionOffset>& known,
                              bool at_end);

  const OffsetReset reset_;
  const LaneIdentity& lane_;
  GroupMember& member_;
  PartitionLog& log_;
  bool waits_for_owner_ = false;
};

}  // namespace tacho
