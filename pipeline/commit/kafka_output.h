#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// An output topic of the job, in the order of SinkId.
struct Sink {
  std::string topic;
  bool log_time_stamps = false;  // Kafka timestamp: log time instead of now.
  size_t message_bytes = 0;      // Its max.message.bytes; 0: unknown.
};

struct KafkaOutputOptions {
  KafkaProperties properties;  // The job's `kafka:` section, resolved.
  std::vector<Sink> sinks;
  int32_t input_partitions = 1;  // For the command that creates a topic.
  // The least max.message.bytes of all topics: a batch must fit each.
  size_t batch_bytes = 1000000;
  // One try of an epoch's flush; the committer tries again.
  Millis delivery_timeout{30000};
};

}  // namespace tacho
