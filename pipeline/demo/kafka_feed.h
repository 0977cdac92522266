#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// Puts messages into a topic: what feeds the demo and the lab. Idempotent,
// lz4; keys choose the partition by murmur2, as Java clients do; messages
// without a key go to partition 0, so that their order is kept.
// Threading: one thread.
class KafkaFeed {
 public:
  // `stall`: how long Send waits for a broker to take anything.
  static Result<std::unique_ptr<KafkaFeed>> Open(
      const KafkaProperties& properties, const std::string& topic,
      Millis stall = Millis(60000));
  ~KafkaFeed();

  // Waits while the client's queue is full, as long as it moves.
  Status Send(std::optional<std::string_view> key, std::string_view value);
  // Waits until all is acknowledged; fails if one message was not.
  Status Flush(Millis timeout);
  uint64_t sent() const { return sent_; }

 private:
  struct Impl;
  explicit KafkaFeed(std::unique_ptr<Impl> impl);
  // After a refusal for want of room: waits a moment, unless nothing was
  // reported since `moved`, at which `reports` were there, for too long.
  Status AwaitRoom(uint64_t& reports,
                   std::chrono::steady_clock::time_point& moved);
  std::unique_ptr<Impl> impl_;
  uint64_t sent_ = 0;
};

}  // namespace tacho
