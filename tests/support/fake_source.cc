#include "tests/support/fake_source.h"

#include <algorithm>

namespace tacho {

void FakeLog::Append(const TopicPartition& tp, std::string key,
                     std::string value, Timestamp log_time) {
  const std::lock_guard lock(mutex);
  entries[tp].push_back({std::move(key), std::move(value), log_time});
}

Offset FakeLog::End(const TopicPartition& tp) const {
  const std::lock_guard lock(mutex);
  const auto found = entries.find(tp);
  return found == entries.end() ? 0 : static_cast<Offset>(found->second.size());
}

Offset FakeLog::Committed(const TopicPartition& tp) const {
  const std::lock_guard lock(mutex);
  const auto found = committed.find(tp);
  return found == committed.end() ? kNoOffset : found->second;
}

class FakeSource::Reader final : public PartitionReader {
 public:
  Reader(FakeSource& source, TopicPartition tp)
      : source_(source), tp_(std::move(tp)) {}
  ~Reader() override {
    DisableReadable();
    const std::lock_guard lock(source_.mutex_);
    source_.readers_.erase(tp_);
  }

  Drained Drain(Batch& batch, const DrainLimits& limits) override {
    const std::lock_guard lock(source_.mutex_);
    const std::lock_guard log_lock(source_.log_.mutex);
    const auto position = source_.positions_.find(tp_);
    if (position == source_.positions_.end()) return {};
    if (position->second == kNoOffset) return {};
    const auto& entries = source_.log_.entries[tp_];
    Drained drained;
    Offset& at = position->second;
    while (at < static_cast<Offset>(entries.size())) {
      const FakeLog::Entry& entry = entries[static_cast<size_t>(at)];
      const Offset offset = at++;
      if (offset < limits.min_offset) {
        ++drained.skipped;
        continue;
      }
      batch.AddMessage(offset, entry.log_time, entry.key, entry.value);
      drained.next_offset = at;
      if (batch.messages.size() >= limits.max_messages) {
        drained.more = true;
        return drained;
      }
    }
    const auto error = source_.log_.errors.find(tp_);
    if (error != source_.log_.errors.end()) drained.error = error->second;
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
  Offset EndOffset() const override { return source_.log_.End(tp_); }

 private:
  FakeSource& source_;
  const TopicPartition tp_;
  std::mutex callback_mutex_;
  std::function<void()> on_readable_;
};

void FakeSource::AssignNow(std::vector<TopicPartition> partitions) {
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

void FakeSource::AssignToNobody(std::vector<TopicPartition> partitions) {
  GroupListener* listener = nullptr;
  {
    const std::lock_guard lock(mutex_);
    partitions_ = partitions;
    listener = listener_;
  }
  listener->OnAssign(std::move(partitions), GroupMembership());
}

GroupMembership FakeSource::Join() {
  const std::lock_guard lock(log_.mutex);
  return {"harness", ++log_.generation, "member", ""};
}

void FakeSource::RevokeNow(bool lost) {
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

void FakeSource::Poke() {
  const std::lock_guard lock(mutex_);
  for (const auto& [tp, reader] : readers_) reader->Readable();
}

void FakeSource::FailCommits(int count, Status status) {
  const std::lock_guard lock(mutex_);
  fail_commits_ = count;
  commit_failure_ = std::move(status);
}

bool FakeSource::assigned() const {
  const std::lock_guard lock(mutex_);
  return assigned_;
}
bool FakeSource::started() const {
  const std::lock_guard lock(mutex_);
  return listener_ != nullptr;
}
bool FakeSource::closed() const {
  const std::lock_guard lock(mutex_);
  return closed_;
}
int FakeSource::answered() const {
  const std::lock_guard lock(mutex_);
  return answered_;
}
int FakeSource::ends_asked() const {
  const std::lock_guard lock(mutex_);
  return ends_asked_;
}

Status FakeSource::Start(GroupListener& listener) {
  std::vector<TopicPartition> partitions;
  {
    const std::lock_guard lock(mutex_);
    listener_ = &listener;
    partitions = std::move(to_assign_);
  }
  if (!partitions.empty()) listener.OnAssign(std::move(partitions), Join());
  return Status::Ok();
}

Result<std::map<std::string, int32_t>> FakeSource::PartitionCounts(
    std::chrono::milliseconds /*timeout*/) {
  const std::lock_guard lock(log_.mutex);
  return log_.counts;
}

Result<std::vector<PartitionOffset>> FakeSource::Committed(
    const std::vector<TopicPartition>& partitions,
    std::chrono::milliseconds /*timeout*/) {
  std::vector<PartitionOffset> out;
  for (const TopicPartition& tp : partitions) {
    const Offset offset = log_.Committed(tp);
    const std::lock_guard lock(log_.mutex);
    if (log_.unstable.contains(tp)) {
      return Status(StatusCode::kUnavailable, "a transaction is pending", true);
    }
    out.push_back({tp, offset, log_.metadata[tp]});
  }
  return out;
}

Result<std::pair<Offset, Offset>> FakeSource::LogRange(
    const TopicPartition& tp, std::chrono::milliseconds /*timeout*/) {
  const Offset end = log_.End(tp);
  const std::lock_guard lock(log_.mutex);
  const auto first = log_.first.find(tp);
  return std::pair<Offset, Offset>(
      first == log_.first.end() ? 0 : first->second, end);
}

Result<LogEnd> FakeSource::End(const TopicPartition& tp,
                               std::chrono::milliseconds /*timeout*/) {
  if (on_end) on_end(tp);
  const Offset end = log_.End(tp);
  const std::lock_guard lock(mutex_);
  ++ends_asked_;
  const std::lock_guard log_lock(log_.mutex);
  const auto error = log_.end_errors.find(tp);
  if (error != log_.end_errors.end()) return error->second;
  const auto more = log_.uncommitted.find(tp);
  return LogEnd{end, more == log_.uncommitted.end() ? end : end + more->second};
}

std::unique_ptr<PartitionReader> FakeSource::MakeReader(
    const TopicPartition& tp) {
  auto reader = std::make_unique<Reader>(*this, tp);
  const std::lock_guard lock(mutex_);
  readers_[tp] = reader.get();
  return reader;
}

Status FakeSource::Assign(const std::vector<TopicPartition>& partitions) {
  const std::lock_guard lock(mutex_);
  for (const TopicPartition& tp : partitions) positions_[tp] = kNoOffset;
  assigned_ = true;
  ++answered_;
  return Status::Ok();
}

Status FakeSource::Seek(const TopicPartition& tp, Offset offset) {
  const std::lock_guard lock(mutex_);
  const auto position = positions_.find(tp);
  if (position == positions_.end()) {
    return {StatusCode::kUnavailable, "not assigned", true};
  }
  position->second = offset;
  return Status::Ok();
}

Status FakeSource::Unassign() {
  const std::lock_guard lock(mutex_);
  positions_.clear();
  assigned_ = false;
  ++answered_;
  return Status::Ok();
}

Status FakeSource::CommitOffsets(const std::vector<PartitionOffset>& offsets,
                                 std::chrono::milliseconds /*timeout*/) {
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

void FakeSource::Close(bool leave) {
  const std::lock_guard lock(mutex_);
  closed_ = true;
  left_ = leave;
}

}  // namespace tacho
