#include "tests/support/fake_log.h"

#include <utility>

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

}  // namespace tacho
