#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/demo/kafka_feed.h"

namespace tacho::lab {

struct PacedFeedOptions {
  std::string topic;
  int vehicles = 10'000;
  int probe_every = 100;  // So many vehicles, one of which toggles.
  double rate = 0;        // Messages a second.
};

// Sends a fleet's messages at a steady rate, vehicles in turn, each with the
// time at which it was due in its `ts`: a feed that falls behind shows as
// latency, it does not hide it. Probes are fast and slow by turns.
//
// Threading: sends on a thread of its own; the rest from one other.
class PacedFeed {
 public:
  PacedFeed(const std::string& bootstrap, PacedFeedOptions options);
  ~PacedFeed();

  // Waits until so many were sent.
  void AwaitSent(uint64_t messages) const;
  void SetRate(double rate);
  // Stops, and waits until all is acknowledged.
  void Stop();

  // All that was sent, in order, made anew. After Stop; not after SetRate.
  void ForEachSent(const std::function<void(const std::string& key,
                                            const std::string& value)>& use);

  uint64_t sent() const { return sent_.load(); }
  uint64_t probes() const { return probes_.load(); }
  // (vehicle, due time) of every probe's record. After Stop.
  const std::vector<std::pair<std::string, int64_t>>& probe_log() const {
    return probe_log_;
  }
  int64_t most_behind_ms() const { return most_behind_ms_.load(); }

 private:
  struct Template {
    std::string key;
    std::string value[2];  // For even and odd rounds.
    size_t stamp[2] = {0, 0};
    bool probe = false;
  };

  void MakeTemplates();
  void Run();
  void Send(Template& t, size_t round, int64_t stamp_ms);
  // The value of the template with this time in it.
  static std::string& Stamp(Template& t, size_t round, int64_t stamp_ms);

  const PacedFeedOptions options_;
  std::unique_ptr<KafkaFeed> feed_;
  std::vector<Template> templates_;
  std::vector<std::pair<std::string, int64_t>> probe_log_;
  std::atomic<double> rate_;
  int64_t first_ms_ = 0;  // When the first message was due.
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> sent_{0};
  std::atomic<uint64_t> probes_{0};
  std::atomic<int64_t> most_behind_ms_{0};
  std::thread thread_;
};

}  // namespace tacho::lab
