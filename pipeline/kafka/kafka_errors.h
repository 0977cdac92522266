#pragma once

#include <span>
#include <string>

#include "pipeline/base/status.h"

namespace tacho {

// What librdkafka and brokers answer, and what it means to us: one table, read
// by everything that gets an error code. A refusal that stays is never retried;
// what passes always is.

// How an answer is taken.
enum class KafkaVerdict {
  kPasses,   // An outage, a move, a rebalance: asked again. kUnavailable.
  kDenied,   // Rights. kPermission.
  kMisset,   // A setting, of the job or the cluster. kInvalidArgument.
  kAbsent,   // There is no such thing. kNotFound.
  kHidden,   // The same of what was there when it was opened: asked again, and
             // kNotFound if it stays so.
  kDamaged,  // What is stored cannot be read, or is gone. kCorruption.
  kTaken,    // Another process is who we are. kUnavailable, not asked again.
  kBug,      // No answer to anything that we ask. kInternal.
};

// What was being done when the answer came.
enum class KafkaTask {
  kAsk,        // Anything else; what is named may not exist.
  kPartition,  // A question about a partition that is known to exist: a client
               // whose metadata does not show it yet learns of it.
  kKnown,      // About what was there a moment ago: brokers learn of topics and
               // partitions one by one.
  kWrite,  // A message or a transaction of a producer that can be made anew,
           // as can its transactional epoch.
};

struct KafkaErrorRow {
  int code;          // rd_kafka_resp_err_t.
  const char* name;  // As rd_kafka_err2name spells it.
  KafkaVerdict verdict;
  const char* remedy;  // May be empty.
};

// By code, ascending, for KafkaTask::kAsk.
std::span<const KafkaErrorRow> KafkaErrors();

// Of a code that is not in the table, because it is younger: kPasses.
KafkaVerdict KafkaVerdictOf(int error, KafkaTask task);

// True if a later try can succeed.
bool IsRetryable(KafkaVerdict verdict);

// The status of an error code, with its class, whether a later try can
// succeed, librdkafka's text, its name, and the remedy if there is one.
Status FromKafka(int error, const std::string& context,
                 KafkaTask task = KafkaTask::kAsk);
// The same with the broker's own words in place of librdkafka's.
Status FromKafkaText(int error, const char* text, const std::string& context,
                     KafkaTask task = KafkaTask::kAsk);

// True of the answers that a producer gets when its transactional id was taken
// over, or its transaction timed out: the client cannot tell the two apart.
bool IsProducerFence(int error);

}  // namespace tacho
