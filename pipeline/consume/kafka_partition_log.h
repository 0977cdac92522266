#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/status.h"
#include "pipeline/consume/partition_log.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

struct KafkaPartitionLogOptions {
  KafkaProperties properties;  // The job's `kafka:` section, resolved.
  std::string group_id;        // Whose offsets are asked for.
  std::vector<std::string> topics;
};

// Asks on connections of its own. A connection answers in order: behind a fetch
// that waits for messages each question would take as long as that, and each
// lane that comes in has one.
Result<std::unique_ptr<PartitionLog>> MakeKafkaPartitionLog(
    KafkaPartitionLogOptions options);

}  // namespace tacho
