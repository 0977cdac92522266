#include "tests/support/fake_partition_log.h"

#include <algorithm>

namespace tacho {

Status FakePartitionLog::Pass() {
  const std::lock_guard lock(mutex_);
  if (failures_ == 0) return Status::Ok();
  --failures_;
  return failure_;
}

Result<std::map<std::string, int32_t>> FakePartitionLog::PartitionCounts(
    Millis /*timeout*/) {
  ++counts_asked_;
  RETURN_IF_ERROR(Pass());
  const std::lock_guard lock(log_.mutex);
  if (log_.deleted) {
    return Status(StatusCode::kNotFound, "topic in: unknown topic");
  }
  if (!log_.counts_error.ok()) return log_.counts_error;
  return log_.counts;
}

Result<std::vector<PartitionOffset>> FakePartitionLog::Committed(
    const std::vector<TopicPartition>& partitions, Millis /*timeout*/) {
  RETURN_IF_ERROR(Pass());
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

Result<std::pair<Offset, Offset>> FakePartitionLog::LogRange(
    const TopicPartition& tp, Millis /*timeout*/) {
  RETURN_IF_ERROR(Pass());
  const Offset end = log_.End(tp);
  const std::lock_guard lock(log_.mutex);
  const auto first = log_.first.find(tp);
  return std::pair<Offset, Offset>(
      first == log_.first.end() ? 0 : first->second, end);
}

Result<LogEnd> FakePartitionLog::End(const TopicPartition& tp,
                                     Millis /*timeout*/) {
  if (on_end) on_end(tp);
  ++ends_asked_;
  RETURN_IF_ERROR(Pass());
  const Offset end = log_.End(tp);
  const std::lock_guard lock(log_.mutex);
  const auto error = log_.end_errors.find(tp);
  if (error != log_.end_errors.end()) return error->second;
  const auto more = log_.uncommitted.find(tp);
  return LogEnd{end, more == log_.uncommitted.end() ? end : end + more->second};
}

Result<std::optional<TransactionHold>> FakePartitionLog::OffsetHold(
    const std::vector<TopicPartition>& partitions, Millis /*timeout*/) {
  RETURN_IF_ERROR(Pass());
  const std::lock_guard lock(log_.mutex);
  const bool held =
      std::any_of(partitions.begin(), partitions.end(),
                  [&](const auto& tp) { return log_.unstable.contains(tp); });
  return held ? hold : std::nullopt;
}

}  // namespace tacho
