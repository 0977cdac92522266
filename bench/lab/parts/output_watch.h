#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "pipeline/kafka/kafka_handle.h"

namespace tacho::lab {

// A read_committed reader of the probes' outputs, from the topic's end on, that
// notes when each became visible.
//
// Threading: reads on a thread of its own; the rest from one other.
class OutputWatch {
 public:
  struct Arrival {
    int32_t partition = 0;
    int64_t sent_ms = 0;  // Of the record that caused it.
    int64_t seen_ms = 0;
    std::string vehicle;
  };

  // Returns once it stands at the end of every partition.
  OutputWatch(const std::string& bootstrap, const std::string& topic,
              int partitions);
  ~OutputWatch();

  std::vector<Arrival> arrivals() const;
  size_t count() const { return count_.load(); }
  // Waits until so many have come, at most so long.
  bool Await(size_t count, std::chrono::seconds timeout) const;
  // The longest time without an output on the partition, from the last one
  // before `from_ms` to the first one after `to_ms`; -1: none has come since.
  int64_t Gap(int32_t partition, int64_t from_ms, int64_t to_ms) const;
  // When the first output came that was caused after `sent_ms`; -1: not yet.
  int64_t FirstSeen(int32_t partition, int64_t sent_ms) const;

 private:
  void Run(int partitions);

  KafkaPtr<rd_kafka_t> consumer_;
  mutable std::mutex mutex_;  // Guards arrivals_.
  std::vector<Arrival> arrivals_;
  std::atomic<size_t> count_{0};
  std::atomic<int> at_end_{0};
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace tacho::lab
