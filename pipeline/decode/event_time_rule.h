#pragma once

#include <string_view>

#include "pipeline/base/arena.h"
#include "pipeline/decode/decoder_config.h"
#include "pipeline/decode/epoch_parser.h"
#include "pipeline/decode/json_scanner.h"
#include "pipeline/decode/refused.h"

namespace tacho {

// What an event time must be: a number or a text as the config says, within
// its bounds, and not past the message's log time by more than the allowed
// skew (the clock guard).
//
// Threading: immutable.
class EventTimeRule {
 public:
  explicit EventTimeRule(const EventTimeSource& source) : source_(source) {}

  // Sets `time` from `value`, which is what the message has at `path`; or says
  // what is wrong in `site`. The arena is for texts with escapes.
  Refused Read(const JsonValue& value, std::string_view path,
               Timestamp log_time, Arena& arena, Timestamp& time,
               RejectSite& site) const {
    std::string_view expected;
    if (value.kind == JsonKind::kNumber &&
        !ParseEpoch(value, source_.format, time).has_value() &&
        !CheckClock(time, log_time, expected).has_value()) [[likely]] {
      return std::nullopt;
    }
    return ReadOther(value, path, log_time, arena, time, site);
  }

 private:
  // Also says what is wrong.
  Refused ReadOther(const JsonValue& value, std::string_view path,
                    Timestamp log_time, Arena& arena, Timestamp& time,
                    RejectSite& site) const;
  Refused CheckClock(Timestamp time, Timestamp log_time,
                     std::string_view& expected) const;

  const EventTimeSource source_;
};

inline Refused EventTimeRule::CheckClock(Timestamp time, Timestamp log_time,
                                         std::string_view& expected) const {
  if (time < source_.min) {
    expected = "a time from input.event_time.min on";
    return RejectReason::kClockPast;
  }
  if (time > source_.max) {
    expected = "a time up to input.event_time.max";
    return RejectReason::kClockFuture;
  }
  if (!source_.clock_guard) return std::nullopt;
  if (log_time == kNoLogTime) {
    expected = "a Kafka timestamp beside it; or write clock_guard: off";
    return RejectReason::kNoLogTime;
  }
  // The log time may be the producer's, that is, any int64.
  int64_t latest = 0;
  if (__builtin_add_overflow(ToEpochMillis(log_time),
                             source_.max_future_skew.count(), &latest)) {
    return std::nullopt;
  }
  if (ToEpochMillis(time) <= latest) return std::nullopt;
  expected = "a time up to max_future_skew after the Kafka timestamp";
  return RejectReason::kClockFuture;
}

}  // namespace tacho
