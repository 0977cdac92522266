#pragma once

#include <cstdint>
#include <string>

#include "pipeline/kafka/kafka_handle.h"

namespace tacho::lab {

// A consumer of all partitions of a topic that sees what read_committed readers
// see, and says when it is at a partition's end. `from`: librdkafka's logical
// offset of all of them. The lab ends if it cannot be made.
KafkaPtr<rd_kafka_t> ReadCommitted(const std::string& bootstrap,
                                   const std::string& topic, int partitions,
                                   int64_t from);

}  // namespace tacho::lab
