#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/commit/transaction.h"
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

// Commits the group's offsets: MessageSource::CommitOffsets, bound by the
// wiring so that this layer knows nothing of sources.
using CommitOffsetsFn = std::function<Status(const Epoch&)>;

// `guarantee: at_least_once`: an idempotent producer without a transaction;
// offsets follow durable state. After a crash between the two, outputs of at
// most one epoch are written again.
//
// Fails if an output topic does not exist (kNotFound, with the command that
// creates it).
Result<std::unique_ptr<Transaction>> MakeKafkaAtLeastOnce(
    KafkaOutputOptions options, CommitOffsetsFn commit_offsets);

}  // namespace tacho
