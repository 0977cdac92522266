#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/consume/source.h"

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
  // Partitions whose committed offset waits for an open transaction.
  std::set<TopicPartition> unstable;
  std::map<TopicPartition, Status> errors;  // At the end of what is drained.
  // Messages beyond the end, of transactions that are still open.
  std::map<TopicPartition, int64_t> uncommitted;
  std::map<TopicPartition, Status> end_errors;  // Of questions for the end.
  // Every value that a partition's committed offset has had, in order.
  std::map<TopicPartition, std::vector<Offset>> commit_history;
};

// One group member over a FakeLog. Assignments happen on command, as if a
// coordinator had decided so.
class FakeSource final : public MessageSource {
 public:
  explicit FakeSource(FakeLog& log) : log_(log) {}

  // The coordinator's side. Called from the test's thread.
  void AssignNow(std::vector<TopicPartition> partitions);
  // The same to a member that has been thrown out since. REQUIRES: started.
  void AssignToNobody(std::vector<TopicPartition> partitions);
  void RevokeNow(bool lost = false);
  void Poke();  // New messages: every assigned reader is readable.
  // The next `count` commits of offsets answer `status`.
  void FailCommits(int count, Status status);
  // True once the worker has answered Assign (or Unassign).
  bool assigned() const;
  bool started() const;
  bool closed() const;
  int answered() const;  // Assign and Unassign calls so far.
  int ends_asked() const;
  // Called at each question for an end, before it is answered.
  std::function<void(const TopicPartition&)> on_end;

  Status Start(GroupListener& listener) override;
  Result<std::map<std::string, int32_t>> PartitionCounts(
      std::chrono::milliseconds timeout) override;
  Result<std::vector<PartitionOffset>> Committed(
      const std::vector<TopicPartition>& partitions,
      std::chrono::milliseconds timeout) override;
  Result<std::pair<Offset, Offset>> LogRange(
      const TopicPartition& tp, std::chrono::milliseconds timeout) override;
  Result<LogEnd> End(const TopicPartition& tp,
                     std::chrono::milliseconds timeout) override;
  std::unique_ptr<PartitionReader> MakeReader(
      const TopicPartition& tp) override;
  Status Assign(const std::vector<TopicPartition>& partitions) override;
  Status Seek(const TopicPartition& tp, Offset offset) override;
  Status Unassign() override;
  Status CommitOffsets(const std::vector<PartitionOffset>& offsets,
                       std::chrono::milliseconds timeout) override;
  void Close(bool leave) override;

  bool left_group() const { return left_; }

 private:
  class Reader;
  GroupMembership Join();  // Of a new generation.

  FakeLog& log_;
  mutable std::mutex mutex_;
  GroupListener* listener_ = nullptr;
  std::vector<TopicPartition> to_assign_;  // Until Start.
  std::vector<TopicPartition> partitions_;
  std::map<TopicPartition, Offset> positions_;  // kNoOffset until Seek.
  std::map<TopicPartition, Reader*> readers_;
  int fail_commits_ = 0;
  Status commit_failure_;
  int answered_ = 0;
  int ends_asked_ = 0;
  bool assigned_ = false;
  bool closed_ = false;
  bool left_ = false;
};

}  // namespace tacho
