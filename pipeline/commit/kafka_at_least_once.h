#pragma once

#include <memory>

#include "pipeline/commit/epoch_writer.h"
#include "pipeline/commit/kafka_output.h"
#include "pipeline/commit/offset_committer.h"

namespace tacho {

// `guarantee: at_least_once_local`: an idempotent producer without a
// transaction; offsets follow durable state, which is this host's and does not
// follow a partition. After a crash between the two, outputs of at most one
// epoch are written again.
//
// Fails if an output topic does not exist (kNotFound, with the command that
// creates it).
Result<std::unique_ptr<EpochWriter>> MakeKafkaAtLeastOnce(
    KafkaOutputOptions options, std::unique_ptr<OffsetCommitter> offsets);

}  // namespace tacho
