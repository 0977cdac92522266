#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/membership.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"

namespace tacho {

// What a lane asks of one drain.
struct DrainLimits {
  size_t max_messages = 1000;
  size_t max_bytes = size_t{1} << 20;  // Keys and values; one message may pass.
  Offset min_offset = 0;  // Messages before it are skipped (given again).
};

struct Drained {
  bool more = false;     // Stopped at a limit: drain again.
  uint64_t skipped = 0;  // Messages before min_offset.
  // Where the log goes on after what was drained; past control records and
  // compacted gaps where the source knows them. kNoOffset: nothing drained.
  Offset next_offset = kNoOffset;
  // What stopped the drain; the messages before it are in the batch. The lane
  // processes them and then fails.
  Status error;
};

// The queue of one assigned partition.
// Threading: Drain from one thread at a time; the readable callback is called
// on any thread, also from inside Drain.
class PartitionReader {
 public:
  virtual ~PartitionReader() = default;

  // Appends messages to `batch`; never blocks.
  virtual Drained Drain(Batch& batch, const DrainLimits& limits) = 0;

  // `on_readable` must be noexcept, quick, and must not call the source. It is
  // edge-triggered: called when an empty queue gets a message.
  virtual void EnableReadable(std::function<void()> on_readable) = 0;
  // After return the callback is not running and will not be called.
  virtual void DisableReadable() = 0;

  // The end offset of the partition as last heard from the broker, or
  // kNoOffset. Any thread.
  virtual Offset EndOffset() const = 0;
};

// Where a partition's log ends: what a reader of committed messages is given,
// and what there is. Equal: no transaction is open on it.
struct LogEnd {
  Offset last_stable = kNoOffset;
  Offset high_watermark = kNoOffset;
};

struct PartitionOffset {
  TopicPartition tp;
  Offset offset = kNoOffset;
  std::string metadata = {};  // Text beside a committed offset.
};

// What happens to a group member. Called on the group thread: return at once.
class GroupListener {
 public:
  virtual ~GroupListener() = default;
  // Answer with MessageSource::Assign.
  virtual void OnAssign(std::vector<TopicPartition> partitions,
                        GroupMembership membership) = 0;
  // Answer with MessageSource::Unassign. `lost`: another member may own the
  // partitions already, so nothing may be committed.
  virtual void OnRevoke(std::vector<TopicPartition> partitions, bool lost) = 0;
  // The source cannot go on.
  virtual void OnSourceFailed(Status status) = 0;
};

// Where messages come from: one member of a consumer group.
//
// Threading: any thread, unless a call says otherwise. Calls that wait on the
// network say so; none of them runs on the group thread.
// Lifetime: readers must be destroyed before Close is called.
class MessageSource {
 public:
  virtual ~MessageSource() = default;

  // Joins the group. The listener outlives Close.
  virtual Status Start(GroupListener& listener) = 0;

  // Partition count of each input topic. Waits up to `timeout`. kNotFound if
  // a topic does not exist.
  virtual Result<std::map<std::string, int32_t>> PartitionCounts(
      std::chrono::milliseconds timeout) = 0;

  // The group's committed offsets; kNoOffset where there is none. Waits, also
  // for transactions that have written to one of them and are still open.
  virtual Result<std::vector<PartitionOffset>> Committed(
      const std::vector<TopicPartition>& partitions,
      std::chrono::milliseconds timeout) = 0;

  // First and next offset of a partition's log, asked of the broker. Waits.
  virtual Result<std::pair<Offset, Offset>> LogRange(
      const TopicPartition& tp, std::chrono::milliseconds timeout) = 0;

  // Both ends of a partition's log, asked of the broker, the last stable one
  // first. Waits up to `timeout`. One thread at a time.
  virtual Result<LogEnd> End(const TopicPartition& tp,
                             std::chrono::milliseconds timeout) = 0;

  // A reader for a partition about to be assigned.
  virtual std::unique_ptr<PartitionReader> MakeReader(
      const TopicPartition& tp) = 0;

  // Answers OnAssign, at once: the group waits for it. Each partition gives
  // nothing until Seek has said where it starts. REQUIRES: readers
  // of all of them were made before, and none is drained yet.
  virtual Status Assign(const std::vector<TopicPartition>& partitions) = 0;
  // An assigned partition goes on at exactly this offset, and its reader may
  // be drained. Waits for the source, not for the network; a retryable status
  // says that the assignment has not taken effect yet.
  virtual Status Seek(const TopicPartition& tp, Offset offset) = 0;
  // Answers OnRevoke.
  virtual Status Unassign() = 0;

  // Commits offsets to the group, outside any transaction. Waits up to
  // `timeout`. A retryable status leaves the old offsets in place.
  virtual Status CommitOffsets(const std::vector<PartitionOffset>& offsets,
                               std::chrono::milliseconds timeout) = 0;

  // Leaves the group (dynamic members always, static ones if `leave`) and
  // closes. Calls OnRevoke first if partitions are assigned.
  virtual void Close(bool leave) = 0;
};

}  // namespace tacho
