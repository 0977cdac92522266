#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "pipeline/consume/group_member.h"
#include "tests/support/fake_log.h"

namespace tacho {

// One group member over a FakeLog. Assignments happen on command, as if a
// coordinator had decided so.
class FakeGroupMember final : public GroupMember {
 public:
  explicit FakeGroupMember(FakeLog& log) : log_(log) {}

  // The coordinator's side. Called from the test's thread.
  void AssignNow(std::vector<TopicPartition> partitions);
  // The same to a member that has been thrown out since. REQUIRES: started.
  void AssignToNobody(std::vector<TopicPartition> partitions);
  void RevokeNow(bool lost = false);
  // The member is out, as after an outage of the broker.
  void FenceNow();
  int resets() const;
  // The member cannot go on.
  void FailNow(Status status);
  void Poke();  // New messages: every assigned reader is readable.
  // The next `count` commits of offsets answer `status`.
  void FailCommits(int count, Status status);
  // The next `count` seeks answer `status`.
  void FailSeeks(int count, Status status);
  // True once the worker has answered Assign (or Unassign).
  bool assigned() const;
  bool started() const;
  bool closed() const;
  int answered() const;  // Assign and Unassign calls so far.
  int giving() const;    // Partitions that have been sought and not paused.

  Status Start(GroupListener& listener) override;
  Status Reset() override;
  Status SetFetchLimits(const FetchLimits&) override { return Status::Ok(); }
  std::unique_ptr<PartitionReader> MakeReader(
      const TopicPartition& tp) override;
  Status Assign(const std::vector<TopicPartition>& partitions) override;
  Status Seek(const TopicPartition& tp, Offset offset) override;
  Status Pause(const TopicPartition& tp) override;
  Status Unassign() override;
  Status CommitOffsets(const std::vector<PartitionOffset>& offsets,
                       Millis timeout) override;
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
  int fail_seeks_ = 0;
  Status seek_failure_;
  int answered_ = 0;
  int resets_ = 0;
  bool assigned_ = false;
  bool closed_ = false;
  bool left_ = false;
};

}  // namespace tacho
