#pragma once

#include <chrono>
#include <cstdint>

namespace tacho {

using Millis = std::chrono::milliseconds;

// A point in event, log or wall time: UTC, millisecond precision.
using Timestamp = std::chrono::sys_time<Millis>;

// "No time yet" for a partition or a vehicle: before every real timestamp.
// Far enough from the ends of int64 that adding a duration never overflows.
inline constexpr Timestamp kNoTime{Millis{INT64_MIN / 4}};
// After every real timestamp: what closing everything at the end advances to.
inline constexpr Timestamp kEndOfTime{Millis{INT64_MAX / 4}};
// Kafka's "this message has no timestamp" (-1).
inline constexpr Timestamp kNoLogTime{Millis{-1}};

inline constexpr Timestamp FromEpochMillis(int64_t ms) {
  return Timestamp{Millis{ms}};
}
inline constexpr int64_t ToEpochMillis(Timestamp t) {
  return t.time_since_epoch().count();
}

// The start of the `size`-wide tumbling window that holds `t`; windows are
// aligned to the epoch, before 1970 too.
inline constexpr Timestamp WindowStart(Timestamp t, Millis size) {
  const int64_t ms = ToEpochMillis(t);
  const int64_t width = size.count();
  int64_t rest = ms % width;
  if (rest < 0) rest += width;
  return FromEpochMillis(ms - rest);
}

// Source of both clocks, injected so that tests own time.
// Threading: implementations are callable from any thread.
class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time, for what is stored or shown.
  virtual Timestamp Now() const = 0;
  // Monotonic time, for deadlines and rates.
  virtual std::chrono::steady_clock::time_point Steady() const = 0;
};

// The machine's own clocks.
const Clock& SystemClock();

}  // namespace tacho
