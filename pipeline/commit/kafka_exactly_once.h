#pragma once

#include <memory>
#include <string>

#include "pipeline/base/time.h"
#include "pipeline/commit/epoch_writer.h"
#include "pipeline/commit/kafka_output.h"

namespace tacho {

struct KafkaExactlyOnceOptions {
  KafkaOutputOptions output;
  std::string group;  // Whose changelogs.
  // "<job>-<group>-<worker id>": a restarted worker ends what it left open at
  // once. Correctness does not rest on it: the group's generation is the fence.
  std::string transactional_id;
  // A transaction is open only while an epoch is committed; the broker aborts
  // one that is open longer.
  Millis transaction_timeout{10000};
  // A commit that took longer, or during whose transaction a connection was
  // closed, may have a duplicate of its EndTxn under way, which could end the
  // next transaction (no KIP-890 in these clients), so the producer is made
  // anew before it. Connections that close between transactions count nothing:
  // nothing is under way on them.
  Millis slow_commit{1000};
  // For tools: offsets of a group that has no members are sent by a stranger,
  // which brokers take as long as it has none.
  bool outside_group = false;
};

// `guarantee: exactly_once`: all that an epoch writes, and the group's offsets,
// in one Kafka transaction.
//
// After any failure but a clean abort the producer handle is never used again:
// it is destroyed, made anew, and init_transactions ends what was open.
// Returns once that has run for the first time.
Result<std::unique_ptr<EpochWriter>> MakeKafkaExactlyOnce(
    KafkaExactlyOnceOptions options, const Clock& clock);

}  // namespace tacho
