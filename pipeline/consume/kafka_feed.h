#pragma once

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
  static Result<std::unique_ptr<KafkaFeed>> Open(
      const KafkaProperties& properties, const std::string& topic);
  ~KafkaFeed();

  // Waits while the client's queue is full.
  Status Send(std::optional<std::string_view> key, std::string_view value);
  // Waits until all is acknowledged; fails if one message was not.
  Status Flush(Millis timeout);
  uint64_t sent() const { return sent_; }

 private:
  struct Impl;
  explicit KafkaFeed(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  uint64_t sent_ = 0;
};

}  // namespace tacho
