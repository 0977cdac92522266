#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "pipeline/base/reject.h"

namespace tacho {

// A count that one thread adds to and any thread reads.
class Counter {
 public:
  void Add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n,
                 std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// What a lane has done since it was opened. Everything that enters leaves
// through exactly one of: records, rejects, skipped.
// Threading: written by the lane, read by anyone.
struct LaneMetrics {
  Counter messages;       // Taken from the source.
  Counter message_bytes;  // Their keys and values.
  Counter skipped;        // Offsets already processed, given again.
  Counter records;        // Decoded and accepted.
  Counter outputs;        // Written to the streams' outputs.
  Counter late;           // (record, stream) pairs that missed their window.
  Counter filtered;       // (record, stream) pairs that a filter refused.
  Counter batches;
  std::array<Counter, kRejectReasons> rejects;

  uint64_t total_rejects() const {
    uint64_t sum = 0;
    for (const Counter& c : rejects) sum += c.value();
    return sum;
  }
};

}  // namespace tacho
