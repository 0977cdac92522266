#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/real_broker.h"

namespace tacho {

// An output as the model says it must be.
struct ExpectedOutput {
  Offset cause =
      kNoOffset;  // The message that made it due; INT64_MAX: the end.
  std::optional<std::string> key;
  std::string value;  // JSON for results; the original bytes for the others.
  std::vector<std::pair<std::string, std::string>> headers;
};

// What one partition's log must give, by output topic, in order.
struct ExpectedOutputs {
  std::vector<ExpectedOutput> stats;
  std::vector<ExpectedOutput> alerts;
  std::vector<ExpectedOutput> rejects;
  std::vector<ExpectedOutput> late;
  size_t records = 0;  // Messages that were accepted.
};

// The telemetry job (tests/support/telemetry.h), worked out again in the
// plainest way: one message at a time, everything in maps, nothing shared with
// the product. `log` is one partition, in offset order. Starts with empty
// state at `from`; with `close` everything open is closed at the end.
ExpectedOutputs ComputeExpected(const std::vector<KafkaRecord>& log,
                                const std::string& prefix, Offset from,
                                bool close);

}  // namespace tacho
