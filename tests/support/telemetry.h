#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/real_broker.h"

namespace tacho {

struct TelemetryOptions {
  uint64_t seed = 1;
  int messages = 4000;
  int vehicles = 12;
  int64_t start_ms = 0;   // Event time of the first message.
  int64_t step_ms = 900;  // Mean step of event time between two messages.
};

// Seeded messages as a fleet would send them, keyed by vehicle: out of order
// within the allowed lateness, late beyond it, broken in several ways, without
// or with impossible readings, and from a vehicle that is silent for most of
// the time. The same options give the same messages.
std::vector<KafkaRecord> MakeTelemetry(const TelemetryOptions& options);

// The streams over it: one-minute windows and an excursion. What
// tests/support/expected.h recomputes.
std::string TelemetryJob(const std::string& prefix,
                         const std::string& bootstrap,
                         const std::string& state_dir,
                         const std::string& guarantee);

}  // namespace tacho
