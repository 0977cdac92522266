#pragma once

#include <memory>
#include <vector>

#include "pipeline/base/fetch_limits.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/membership.h"
#include "pipeline/base/partition_offset.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/consume/partition_reader.h"

namespace tacho {

// What happens to a group member. Called on the group thread: return at once.
class GroupListener {
 public:
  virtual ~GroupListener() = default;
  // Answer with GroupMember::Assign.
  virtual void OnAssign(std::vector<TopicPartition> partitions,
                        GroupMembership membership) = 0;
  // Answer with GroupMember::Unassign. `lost`: another member may own the
  // partitions already, so nothing may be committed.
  virtual void OnRevoke(std::vector<TopicPartition> partitions, bool lost) = 0;
  // The member is out, and cannot join again as it is: GroupMember::Reset.
  virtual void OnFenced(Status status) = 0;
  // The member cannot go on. kNotFound: an input topic or partition is said not
  // to be there, which a broker may say that has just started.
  virtual void OnSourceFailed(Status status) = 0;
};

// One member of a consumer group, from joining to leaving, and the readers of
// the partitions that it is given. What can be known without being a member is
// PartitionLog's.
//
// Threading: any thread but the group thread, unless a call says otherwise.
// Only CommitOffsets and Close wait on the network.
// Lifetime: readers must be destroyed before Reset or Close is called.
// Errors: a retryable status leaves things as they were; what cannot be helped
// by asking again is told to the listener, once.
class GroupMember {
 public:
  virtual ~GroupMember() = default;

  // How far ahead to fetch. REQUIRES: before Start and the first reader.
  virtual Status SetFetchLimits(const FetchLimits& limits) = 0;

  // Joins the group. The listener outlives Close.
  virtual Status Start(GroupListener& listener) = 0;

  // Makes the member anew, without leaving as the old one, and calls the
  // listener no more until Start is called again. REQUIRES: no readers, and
  // nobody else calls the member meanwhile.
  virtual Status Reset() = 0;

  // A reader for a partition about to be assigned.
  virtual std::unique_ptr<PartitionReader> MakeReader(
      const TopicPartition& tp) = 0;

  // Answers OnAssign, at once: the group waits for it. Each partition gives
  // nothing until Seek has said where it starts. REQUIRES: readers
  // of all of them were made before, and none is drained yet.
  virtual Status Assign(const std::vector<TopicPartition>& partitions) = 0;
  // An assigned partition goes on at exactly this offset, and its reader may
  // be drained. Waits for the client, not for the network; a retryable status
  // says that the assignment has not taken effect yet.
  virtual Status Seek(const TopicPartition& tp, Offset offset) = 0;
  // An assigned partition gives nothing until the next Seek, and holds nothing:
  // what was fetched ahead is dropped. Waits as Seek does.
  virtual Status Pause(const TopicPartition& tp) = 0;
  // Answers OnRevoke.
  virtual Status Unassign() = 0;

  // Commits offsets to the group, outside any transaction. Waits up to
  // `timeout`. A retryable status leaves the old offsets in place.
  virtual Status CommitOffsets(const std::vector<PartitionOffset>& offsets,
                               Millis timeout) = 0;

  // Leaves the group (dynamic members always, static ones if `leave`) and
  // closes. Calls OnRevoke first if partitions are assigned.
  virtual void Close(bool leave) = 0;
};

}  // namespace tacho
