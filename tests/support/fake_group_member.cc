#include "tests/support/fake_group_member.h"

#include <atomic>
#include <string>
#include <utility>

namespace tacho {

class FakeGroupMember::Reader final : public PartitionReader {
 public:
  Reader(FakeGroupMember& member, TopicPartition tp)
      : member_(member), tp_(std::move(tp)) {}
  ~Reader() override {
    DisableReadable();
    const std::lock_guard lock(member_.mutex_);
    member_.readers_.erase(tp_);
  }

  Drained Drain(Batch& batch, const DrainLimits& limits) override {
    const std::lock_guard lock(member_.mutex_);
    const std::lock_guard log_lock(member_.log_.mutex);
    const auto position = member_.positions_.find(tp_);
    if (position == member_.positions_.end()) return {};
    if (position->second == kNoOffset) return {};
    const auto& entries = member_.log_.entries[tp_];
    Drained drained;
    Offset& at = position->second;
    const auto& unreadable = member_.log_.unreadable[tp_];
    while (at < static_cast<Offset>(entries.size())) {
      const auto bad = unreadable.find(at);
      if (bad != unreadable.end()) {
        if (!limits.skip_unreadable) {
          drained.error = Corruption("a batch that does not unpack");
          return drained;
        }
        batch.AddUnreadable(at, bad->second, "does not unpack");
        at = drained.next_offset = bad->second;
        continue;
      }
      const FakeLog::Entry& entry = entries[static_cast<size_t>(at)];
      const Offset offset = at++;
      if (offset < limits.min_offset) {
        ++drained.repeated;
        continue;
      }
      batch.AddMessage(offset, entry.log_time, entry.key, entry.value);
      drained.next_offset = at;
      if (batch.messages.size() >= limits.max_messages) {
        drained.more = true;
        return drained;
      }
    }
    end_of_committed_ = at;
    const auto error = member_.log_.errors.find(tp_);
    if (error != member_.log_.errors.end()) {
      drained.error = error->second;
      ++member_.log_.errors_met;
    }
    return drained;
  }

  void EnableReadable(std::function<void()> on_readable) override {
    const std::lock_guard lock(callback_mutex_);
    on_readable_ = std::move(on_readable);
  }
  void DisableReadable() override {
    const std::lock_guard lock(callback_mutex_);
    on_readable_ = nullptr;
  }
  void Readable() {
    const std::lock_guard lock(callback_mutex_);
    if (on_readable_) on_readable_();
  }
  Offset EndOffset() const override {
    const Offset end = member_.log_.End(tp_);
    const std::lock_guard lock(member_.log_.mutex);
    const auto more = member_.log_.uncommitted.find(tp_);
    return more == member_.log_.uncommitted.end() ? end : end + more->second;
  }
  Offset EndOfCommitted() const override { return end_of_committed_; }

 private:
  FakeGroupMember& member_;
  const TopicPartition tp_;
  std::atomic<Offset> end_of_committed_{kNoOffset};
  std::mutex callback_mutex_;
  std::function<void()> on_readable_;
};

void FakeGroupMember::AssignNow(std::vector<TopicPartition> partitions) {
  GroupListener* listener = nullptr;
  const GroupMembership membership = Join();
  {
    const std::lock_guard lock(mutex_);
    partitions_ = partitions;
    listener = listener_;
    if (listener == nullptr) to_assign_ = partitions;
  }
  if (listener != nullptr)
    listener->OnAssign(std::move(partitions), membership);
}

void FakeGroupMember::AssignToNobody(std::vector<TopicPartition> partitions) {
  GroupListener* listener = nullptr;
  {
    const std::lock_guard lock(mutex_);
    partitions_ = partitions;
    listener = listener_;
  }
  listener->OnAssign(std::move(partitions), GroupMembership());
}

GroupMembership FakeGroupMember::Join() {
  const std::lock_guard lock(log_.mutex);
  return {"harness", ++log_.generation, "member", ""};
}

void FakeGroupMember::RevokeNow(bool lost) {
  GroupListener* listener = nullptr;
  std::vector<TopicPartition> partitions;
  {
    const std::lock_guard lock(mutex_);
    listener = listener_;
    partitions = std::move(partitions_);
    partitions_.clear();
  }
  listener->OnRevoke(std::move(partitions), lost);
}

void FakeGroupMember::FenceNow() {
  GroupListener* listener = nullptr;
  {
    const std::lock_guard lock(mutex_);
    listener = listener_;
    partitions_.clear();
  }
  listener->OnFenced({StatusCode::kUnavailable, "fenced", true});
}

void FakeGroupMember::FailNow(Status status) {
  GroupListener* listener = nullptr;
  {
    const std::lock_guard lock(mutex_);
    listener = listener_;
  }
  listener->OnSourceFailed(std::move(status));
}

Status FakeGroupMember::Reset() {
  const std::lock_guard lock(mutex_);
  ++resets_;
  listener_ = nullptr;
  positions_.clear();
  assigned_ = false;
  return Status::Ok();
}

int FakeGroupMember::resets() const {
  const std::lock_guard lock(mutex_);
  return resets_;
}

void FakeGroupMember::Poke() {
  const std::lock_guard lock(mutex_);
  for (const auto& [tp, reader] : readers_) reader->Readable();
}

void FakeGroupMember::FailCommits(int count, Status status) {
  const std::lock_guard lock(mutex_);
  fail_commits_ = count;
  commit_failure_ = std::move(status);
}

void FakeGroupMember::FailSeeks(int count, Status status) {
  const std::lock_guard lock(mutex_);
  fail_seeks_ = count;
  seek_failure_ = std::move(status);
}

bool FakeGroupMember::assigned() const {
  const std::lock_guard lock(mutex_);
  return assigned_;
}
bool FakeGroupMember::started() const {
  const std::lock_guard lock(mutex_);
  return listener_ != nullptr;
}
bool FakeGroupMember::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}
int FakeGroupMember::answered() const {
  const std::lock_guard lock(mutex_);
  return answered_;
}

Status FakeGroupMember::Start(GroupListener& listener) {
  std::vector<TopicPartition> partitions;
  {
    const std::lock_guard lock(mutex_);
    listener_ = &listener;
    partitions = std::move(to_assign_);
  }
  if (!partitions.empty()) listener.OnAssign(std::move(partitions), Join());
  return Status::Ok();
}

std::unique_ptr<PartitionReader> FakeGroupMember::MakeReader(
    const TopicPartition& tp) {
  auto reader = std::make_unique<Reader>(*this, tp);
  const std::lock_guard lock(mutex_);
  readers_[tp] = reader.get();
  return reader;
}

Status FakeGroupMember::Assign(const std::vector<TopicPartition>& partitions) {
  const std::lock_guard lock(mutex_);
  for (const TopicPartition& tp : partitions) positions_[tp] = kNoOffset;
  assigned_ = true;
  ++answered_;
  return Status::Ok();
}

Status FakeGroupMember::Seek(const TopicPartition& tp, Offset offset) {
  const std::lock_guard lock(mutex_);
  if (fail_seeks_ > 0) {
    --fail_seeks_;
    return seek_failure_;
  }
  const auto position = positions_.find(tp);
  if (position == positions_.end()) {
    return {StatusCode::kUnavailable, "not assigned", true};
  }
  position->second = offset;
  return Status::Ok();
}

Status FakeGroupMember::Pause(const TopicPartition& tp) {
  const std::lock_guard lock(mutex_);
  positions_[tp] = kNoOffset;
  return Status::Ok();
}

int FakeGroupMember::giving() const {
  const std::lock_guard lock(mutex_);
  int giving = 0;
  for (const auto& [tp, position] : positions_) giving += position != kNoOffset;
  return giving;
}

Status FakeGroupMember::Unassign() {
  const std::lock_guard lock(mutex_);
  positions_.clear();
  assigned_ = false;
  ++answered_;
  return Status::Ok();
}

Status FakeGroupMember::CommitOffsets(
    const std::vector<PartitionOffset>& offsets, Millis /*timeout*/) {
  const std::lock_guard lock(mutex_);
  if (fail_commits_ > 0) {
    --fail_commits_;
    return commit_failure_;
  }
  const std::lock_guard log_lock(log_.mutex);
  for (const PartitionOffset& o : offsets) {
    log_.committed[o.tp] = o.offset;
    log_.metadata[o.tp] = o.metadata;
    log_.commit_history[o.tp].push_back(o.offset);
  }
  return Status::Ok();
}

void FakeGroupMember::Close(bool leave) {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  left_ = leave;
}

}  // namespace tacho
