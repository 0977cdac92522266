#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace tacho {

// Counts durations in buckets that grow by an eighth; within its bucket a
// quantile is interpolated, so that it is at most 12.5 % off, either way.
// Microseconds, from 1 to about 4,500 s.
// Threading: one writer, any readers.
class LatencyHistogram {
 public:
  void Add(uint64_t micros);
  // 0 < q <= 1; 0 if nothing was counted.
  uint64_t Quantile(double q) const;
  uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  static constexpr int kSub = 8;  // Buckets for each power of two.
  static constexpr int kBuckets = 32 * kSub;
  static int BucketOf(uint64_t micros);
  // Of the values in the bucket, both inclusive.
  static uint64_t LowerBound(int bucket);
  static uint64_t UpperBound(int bucket);

  std::array<std::atomic<uint64_t>, kBuckets> buckets_{};
  std::atomic<uint64_t> count_{0};
  std::atomic<uint64_t> sum_{0};
};

}  // namespace tacho
