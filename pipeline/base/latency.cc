#include "pipeline/base/latency.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tacho {

// Values below kSub have a bucket each; above, the three bits after the
// leading one choose the bucket within the power of two.
int LatencyHistogram::BucketOf(uint64_t micros) {
  if (micros < kSub) return static_cast<int>(micros);
  const int power = static_cast<int>(std::bit_width(micros)) - 1;
  const int sub = static_cast<int>((micros >> (power - 3)) & (kSub - 1));
  return std::min(kBuckets - 1, (power - 2) * kSub + sub);
}

uint64_t LatencyHistogram::LowerBound(int bucket) {
  return bucket == 0 ? 0 : UpperBound(bucket - 1) + 1;
}

uint64_t LatencyHistogram::UpperBound(int bucket) {
  if (bucket < kSub) return static_cast<uint64_t>(bucket);
  const int power = bucket / kSub + 2;
  const auto sub = static_cast<uint64_t>(bucket % kSub);
  return ((kSub + sub + 1) << (power - 3)) - 1;
}

void LatencyHistogram::Add(uint64_t micros) {
  buckets_[static_cast<size_t>(BucketOf(micros))].fetch_add(
      1, std::memory_order_relaxed);
  count_.fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(micros, std::memory_order_relaxed);
}

uint64_t LatencyHistogram::Quantile(double q) const {
  const uint64_t total = count();
  if (total == 0) return 0;
  const auto rank = std::max<uint64_t>(
      1, static_cast<uint64_t>(std::ceil(q * static_cast<double>(total))));
  uint64_t seen = 0;
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    const uint64_t here =
        buckets_[static_cast<size_t>(bucket)].load(std::memory_order_relaxed);
    if (seen + here < rank) {
      seen += here;
      continue;
    }
    // The bucket's values are taken to be spread evenly over it.
    const uint64_t lower = LowerBound(bucket);
    const auto width = static_cast<double>(UpperBound(bucket) - lower);
    const double place =
        (static_cast<double>(rank - seen) - 0.5) / static_cast<double>(here);
    return lower + static_cast<uint64_t>(std::lround(width * place));
  }
  return UpperBound(kBuckets - 1);
}

}  // namespace tacho
