#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/consume/source.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

struct KafkaGroupOptions {
  KafkaProperties properties;  // The job's `kafka:` section, resolved.
  std::string group_id;
  std::string instance_id;  // Not empty: a static member.
  std::vector<std::string> topics;
  // An eager assignor; cooperative ones pause every lane as well and have bugs
  // in librdkafka before 2.10.
  std::string assignment = "range";
  Millis session_timeout{45000};
  Millis heartbeat_interval{3000};
  Millis max_poll_interval{300000};
  // librdkafka's share of the memory budget, and over how many partitions.
  size_t queue_bytes = size_t{400} << 20;
  int partitions_per_worker = 8;
  // How long Close waits for librdkafka before it leaves the handle behind.
  Millis close_timeout{10000};
};

// The client properties that the options stand for, the job's own first:
// what is owned by tacho always wins. For tests and `validate`.
KafkaProperties KafkaConsumerProperties(const KafkaGroupOptions& options);

// A member of a Kafka consumer group: librdkafka's consumer, driven by events.
//
// One thread, the group thread, polls events for ever and does nothing slow;
// data never passes through it. Each partition has its own unforwarded queue,
// drained by callback straight into the batch's arena. Offsets are always
// explicit: librdkafka neither looks up committed offsets nor resets them.
Result<std::unique_ptr<MessageSource>> MakeKafkaGroup(
    KafkaGroupOptions options);

}  // namespace tacho
