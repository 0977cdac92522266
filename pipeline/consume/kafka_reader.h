#pragma once

#include <memory>

#include "pipeline/consume/partition_reader.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// The queue of one partition of `consumer`, which must outlive the reader.
// Takes the queue away from the consumer's main queue; REQUIRES: made before
// the partition is assigned.
std::unique_ptr<PartitionReader> MakeKafkaReader(rd_kafka_t* consumer,
                                                 const TopicPartition& tp,
                                                 const FetchLimits& fetch);

}  // namespace tacho
