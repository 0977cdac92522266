#include "pipeline/base/fetch_limits.h"

#include <algorithm>

namespace tacho {
namespace {

// A queued message costs about 430 bytes beside its value (measured).
constexpr size_t kPerMessage = 430;
// A byte in the log becomes fifty of values, and as much again of messages.
constexpr size_t kPerFetchedByte = 100;
constexpr size_t kMostAnswer = size_t{50} << 20;

}  // namespace

FetchLimits FetchLimitsFor(size_t bytes, int partitions) {
  const auto count = static_cast<size_t>(std::max(1, partitions));
  const size_t third = bytes / count / 3;
  FetchLimits limits;
  limits.queue_messages = std::clamp<size_t>(third / kPerMessage, 100, 100000);
  limits.queue_bytes =
      std::clamp<size_t>(third, size_t{64} << 10, size_t{64} << 20);
  limits.partition_bytes = std::clamp<size_t>(third / kPerFetchedByte,
                                              size_t{8} << 10, size_t{4} << 20);
  limits.answer_bytes = std::clamp<size_t>(count * limits.partition_bytes,
                                           size_t{64} << 10, kMostAnswer);
  return limits;
}

}  // namespace tacho
