#pragma once

#include <string>

#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// Whether a client with these properties gets an answer from its cluster, and
// if not, why: librdkafka's calls say no more than "transport failure". Opens a
// handle of its own, whose first errors nothing can have suppressed, and speaks
// to the addresses itself.
//
// Threading: any. Waits up to about `timeout`.
// Errors, with the address, the cause and the key it comes from, and never the
// value of a secret: kPermission if the log-in is refused; kInvalidArgument
// where no broker could ever answer (TLS against a port that speaks none, a
// certificate that is not trusted, "${HOST}"); otherwise kUnavailable, which is
// worth another try.
Status CheckKafkaConnection(const KafkaProperties& properties, Millis timeout);

// What is to be known about logging in by SCRAM with this version of
// librdkafka (its number): empty if there is nothing.
std::string ScramNote(const KafkaProperties& properties, int client_version);

}  // namespace tacho
