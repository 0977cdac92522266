#pragma once

#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"

namespace tacho {

// Logs of partitions in memory, shared by every member that reads them, and
// the group's committed offsets.
// Threading: any thread.
class FakeLog {
 public:
  struct Entry {
    std::string key;
    std::string value;
    Timestamp log_time;
  };

  explicit FakeLog(std::map<std::string, int32_t> topics) : counts(topics) {}

  void Append(const TopicPartition& tp, std::string key, std::string value,
              Timestamp log_time = FromEpochMillis(1700000000000));
  Offset End(const TopicPartition& tp) const;
  Offset Committed(const TopicPartition& tp) const;

  mutable std::mutex mutex;
  std::map<std::string, int32_t> counts;
  std::map<TopicPartition, std::vector<Entry>> entries;
  std::map<TopicPartition, Offset> first;          // Log start; 0 if absent.
  std::map<TopicPartition, Offset> committed;      // Of the one group there is.
  std::map<TopicPartition, std::string> metadata;  // Beside it.
  int32_t generation = 0;                          // Of the group.
  bool deleted = false;                            // The topics are not there.
  Status counts_error;  // Of questions for partition counts.
  // Partitions whose committed offset waits for an open transaction.
  std::set<TopicPartition> unstable;
  std::map<TopicPartition, Status> errors;  // At the end of what is drained.
  int errors_met = 0;                       // So often.
  // Where a batch begins that cannot be read, and the offset after it.
  std::map<TopicPartition, std::map<Offset, Offset>> unreadable;
  // Messages beyond the end, of transactions that are still open.
  std::map<TopicPartition, int64_t> uncommitted;
  std::map<TopicPartition, Status> end_errors;  // Of questions for the end.
  // Every value that a partition's committed offset has had, in order.
  std::map<TopicPartition, std::vector<Offset>> commit_history;
};

}  // namespace tacho
