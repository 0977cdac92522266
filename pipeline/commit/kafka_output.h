#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// How far from the broker's clock a topic lets a message's timestamp be
// (message.timestamp.before.max.ms and .after.max.ms). The defaults are for a
// topic whose settings are not known: any past, no future.
struct StampLimits {
  Millis before = Millis::max();
  Millis after{0};
};

// The timestamp nearest to `stamp` that a broker takes: one outside the limits
// is refused for good, so that no retry could help. Two clocks may differ: it
// stays away from a limit by half of it, kStampMargin at the most.
constexpr Millis kStampMargin{5 * 60 * 1000};
Timestamp ClampStamp(Timestamp stamp, Timestamp now, const StampLimits& limits);

// An output topic of the job, in the order of SinkId.
struct Sink {
  std::string topic;
  bool log_time_stamps = false;  // Kafka timestamp: log time instead of now.
  size_t message_bytes = 0;      // Its max.message.bytes; 0: unknown.
  StampLimits stamps = {};
};

// What the client holds of messages that brokers have not acknowledged.
constexpr size_t kProducerQueueBytes = size_t{256} << 20;

struct KafkaOutputOptions {
  KafkaProperties properties;  // The job's `kafka:` section, resolved.
  std::vector<Sink> sinks;
  int32_t input_partitions = 1;  // For the command that creates a topic.
  // The least max.message.bytes of all topics: a batch must fit each.
  size_t batch_bytes = 1000000;
  // On their way out at once. Values stay in the epoch meanwhile; what
  // librdkafka keeps beside each is what this bounds.
  size_t queue_messages = 100000;
  // One try of an epoch's flush; the committer tries again.
  Millis delivery_timeout{30000};
  // A message that does not fit an empty queue cannot be sent.
  size_t queue_bytes = kProducerQueueBytes;
};

}  // namespace tacho
