#pragma once

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
};

struct KafkaOutputOptions {
  KafkaProperties properties;  // The job's `kafka:` section, resolved.
  std::vector<Sink> sinks;
  int32_t input_partitions = 1;  // For the command that creates a topic.
  // One try of an epoch's flush; the committer tries again.
  Millis delivery_timeout{30000};
};

}  // namespace tacho
