#pragma once

#include <map>
#include <string>
#include <vector>

#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// Whether the broker would let us, found out by asking for what has no effect.
// Each opens a handle of its own and closes it again.
//
// Threading: one thread at a time. Waits up to `timeout` in all.
// Errors: per topic kPermission, kNotFound or, of one that takes nothing from
// anybody, kInvalidArgument; kUnavailable where there was no
// answer, which says nothing.

using TopicStatus = std::map<std::string, Status>;

// READ: an empty fetch at the end of partition 0.
Result<TopicStatus> ProbeRead(const KafkaProperties& properties,
                              const std::vector<std::string>& topics,
                              Millis timeout);

// WRITE: a message that asks for acks=2. A broker refuses that after it has
// looked at the rights and before it appends. It has no key, which a compacted
// topic would refuse as well.
Result<TopicStatus> ProbeWrite(const KafkaProperties& properties,
                               const std::vector<std::string>& topics,
                               Millis timeout);

// WRITE and DESCRIBE on a transactional id that is ours: it is initialised,
// which ends what an earlier life of this worker left open.
// kInvalidArgument: the broker's transaction.max.timeout.ms is less.
Status ProbeTransactionalId(const KafkaProperties& properties,
                            const std::string& id, Millis transaction_timeout,
                            Millis timeout);

}  // namespace tacho
