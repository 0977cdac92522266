#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipeline/base/reject.h"

namespace tacho {

// A count that one thread adds to and any thread reads. A copy is of the value.
class Counter {
 public:
  Counter() = default;
  Counter(const Counter& other) : value_(other.value()) {}
  Counter& operator=(const Counter& other) {
    value_.store(other.value(), std::memory_order_relaxed);
    return *this;
  }

  void Add(uint64_t n) {
    value_.store(value_.load(std::memory_order_relaxed) + n,
                 std::memory_order_relaxed);
  }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// Counts by a small number, such as the site of a reject. What is beyond its
// size counts as the last.
// Threading: one thread adds, any reads.
class CounterList {
 public:
  explicit CounterList(size_t size) : counters_(size) {}
  void Add(size_t at, uint64_t n = 1) {
    counters_[std::min(at, size() - 1)].Add(n);
  }
  size_t size() const { return counters_.size(); }
  uint64_t value(size_t at) const { return counters_[at].value(); }

 private:
  std::vector<Counter> counters_;
};

// What a lane has done since it was opened, or all of a worker's. Everything
// that enters leaves through exactly one of: records, rejects, skipped. What
// people see of it is said by pipeline/worker/metric_table.h: a counter that
// has no row there fails its test.
// Threading: written by the lane and its take-over, read by anyone.
struct LaneMetrics {
  explicit LaneMetrics(size_t sites = 1) : rejected_at(sites) {}

  Counter messages;         // Taken from the source.
  Counter message_bytes;    // Their keys and values.
  Counter repeated;         // Offsets already processed, given again.
  Counter skipped;          // Nothing to the job: tombstones.
  Counter state_reads;      // Vehicles read back from the store.
  Counter records;          // Decoded and accepted.
  Counter outputs;          // Written to the streams' outputs.
  Counter late;             // (record, stream) pairs that missed their window.
  Counter late_records;     // Records that were late in at least one stream.
  Counter filtered;         // (record, stream) pairs that a filter refused.
  Counter sum_overflow;     // Sums past the range of their type: null.
  Counter invalid_values;   // Values that `on_bad: invalid` has emptied.
  Counter time_jumps;       // Of partition time, by more than max_future_skew.
  Counter state_not_moved;  // Starts without the state, which is elsewhere.
  Counter batches;
  std::array<Counter, kRejectReasons> rejects;
  CounterList rejected_at;  // By RejectSite::site.

  uint64_t total_rejects() const {
    uint64_t sum = 0;
    for (const Counter& c : rejects) sum += c.value();
    return sum;
  }
};

}  // namespace tacho
