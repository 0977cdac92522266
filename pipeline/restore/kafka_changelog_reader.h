#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pipeline/kafka/kafka_handle.h"
#include "pipeline/restore/changelog.h"

namespace tacho {

// Reads a partition with `consumer`, which must outlive the reader, is read
// committed, raises partition EOF and resets no offsets. Each partition is read
// on its own, so that one that starts or ends does not disturb the others.
// REQUIRES: nobody else reads the partition with this handle.
Result<std::unique_ptr<ChangelogReader>> MakeKafkaChangelogReader(
    rd_kafka_t* consumer, const std::string& topic, int32_t partition,
    Offset from);

}  // namespace tacho
