#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/commit/kafka_output.h"
#include "pipeline/commit/transaction.h"

namespace tacho {

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
