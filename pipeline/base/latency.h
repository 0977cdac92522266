#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace tacho {

// Counts durations in buckets that grow by an eighth: a quantile is at most
// 12.5 % too large. Microseconds, from 1 to about 4,500 s.
// Threading: one writer, any readers.
class LatencyHistogram {
 public:
  void Add(uint64_t micros);
  // The upper bound of the bucket that holds the quantile, 0 < q <= 1; 0 if
  // nothing was counted.
  uint64_t Quantile(double q) const;
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  static constexpr int kSub = 8;  // Buckets for each power of two.
  static constexpr int kBuckets = 32 * kSub;
  static int BucketOf(uint64_t micros);
  static uint64_t UpperBound(int bucket);

  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> sum_{0};
};

}  // namespace tacho
