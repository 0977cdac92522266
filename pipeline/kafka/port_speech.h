#pragma once

#include <string>
#include <vector>

#include "pipeline/base/time.h"

namespace tacho {

// What listens at an address, found out by speaking to it: for messages about
// a client that gets no answer, whose library says only that it was cut off.
struct PortSpeech {
  enum class Kind {
    kNothing,  // Nobody there, or no answer that we understand.
    kTls,
    kKafka,  // Kafka without TLS, and no log-in wanted.
    kSasl,   // Kafka without TLS that wants a log-in.
  };
  Kind kind = Kind::kNothing;
  std::vector<std::string> mechanisms;  // Of kSasl.
};

// `address` as in bootstrap.servers: "host:port", "[::1]:9092",
// "SASL_SSL://host:port"; without a port it is 9092. Waits up to `timeout`
// beside what the resolver takes.
PortSpeech ListenAt(const std::string& address, Millis timeout);

}  // namespace tacho
