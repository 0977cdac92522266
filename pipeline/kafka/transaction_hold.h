#pragma once

#include <string>

#include "pipeline/base/ids.h"
#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// How long somebody waits before a transaction that is open is made known: the
// time-out of tacho's own transactions, 10 s, and what brokers take to abort
// one that has passed it.
constexpr Millis kHoldAfter{30000};

// A transaction of anyone that is open, and that readers of committed records
// wait for.
struct TransactionHold {
  TopicPartition tp;  // Where its records are; partition -1: not known.
  // Nothing from here on is given out; kNoOffset: not ours to see.
  Offset last_stable = kNoOffset;
  Offset end = kNoOffset;
  std::string look;  // The commands that show it.
};

// With the commands for the cluster that `properties` name.
TransactionHold MakeTransactionHold(const KafkaProperties& properties,
                                    TopicPartition tp, Offset last_stable,
                                    Offset end);

// One error for people: `waits` says who, and for what. It names no command
// that ends the transaction: which of the two ends is right, only its
// coordinator knows.
void LogTransactionHold(const std::string& waits, const TopicPartition& lane,
                        const TransactionHold& hold, Millis waited);

}  // namespace tacho
