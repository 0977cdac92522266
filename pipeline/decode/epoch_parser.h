#pragma once

#include <optional>
#include <string_view>

#include "pipeline/base/reject.h"
#include "pipeline/base/time.h"
#include "pipeline/decode/decoder_config.h"
#include "pipeline/decode/json_scalars.h"
#include "pipeline/decode/json_value.h"

namespace tacho {

// Event times as feeds write them in numbers; texts are in base/iso8601.h.

// A JSON number of seconds, milliseconds, ... since the epoch. kAuto goes by
// the digits before the decimal point: up to 11 are seconds (to the year
// 5138), up to 14 milliseconds (from 1973), up to 17 microseconds, and more
// are nanoseconds. Exact (decimal digits, never a double), and what is finer
// than a millisecond goes towards the past, before 1970 too.
//
// Returns out_of_range if the milliseconds do not fit int64, and wrong_type
// under kIso8601.
// REQUIRES: `number` is a JSON number; 32 readable bytes follow its start.
std::optional<RejectReason> ParseEpoch(std::string_view number,
                                       EventTimeFormat format, Timestamp& out);

// Whether such a number, of `whole` digits and nothing else, is milliseconds.
inline bool AreMillis(EventTimeFormat format, size_t whole) {
  return format == EventTimeFormat::kEpochMillis ||
         (format == EventTimeFormat::kAuto && whole >= 12 && whole <= 14);
}

// The same of a number that was found in a document.
inline std::optional<RejectReason> ParseEpoch(const JsonValue& number,
                                              EventTimeFormat format,
                                              Timestamp& out) {
  // Whole milliseconds are by far the most frequent form.
  if (number.whole == number.size && AreMillis(format, number.whole))
      [[likely]] {
    out = FromEpochMillis(
        static_cast<int64_t>(DigitsValue(number.data, number.whole)));
    return std::nullopt;
  }
  return ParseEpoch(number.text(), format, out);
}

}  // namespace tacho
