#include "pipeline/job/output_limits.h"

#include <algorithm>

namespace tacho {
namespace {

// librdkafka's own batch.size.
constexpr size_t kBatchBytes = 1000000;

}  // namespace

size_t OutputLimits::batch_bytes() const {
  size_t least = kBatchBytes;
  for (const auto& [topic, bytes] : message_bytes) {
    least = std::min(least, bytes);
  }
  return least;
}

}  // namespace tacho
