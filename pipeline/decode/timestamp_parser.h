#pragma once

#include <optional>
#include <string_view>

#include "pipeline/base/reject.h"
#include "pipeline/base/time.h"
#include "pipeline/decode/decoder_config.h"

namespace tacho {

// Event times as feeds write them. Both functions are exact (decimal digits,
// never a double) and take what is finer than a millisecond towards the past:
// the result is the millisecond that holds the instant, before 1970 too.

// RFC 3339 with a zone: 2026-01-26T16:00:00.123456789+05:30. 'T' and 'Z' may
// be lower case; a fraction has 1 to 9 digits; the offset may lack its colon.
// A leap second, 23:59:60 UTC at the end of a month, is the second after it.
//
// Returns wrong_type for any other shape (no zone, a space for the 'T', a year
// of five digits) and out_of_range for a day, hour or offset that does not
// exist.
std::optional<RejectReason> ParseIso8601(std::string_view text, Timestamp& out);

// A JSON number of seconds, milliseconds, ... since the epoch. kAuto goes by
// the digits before the decimal point: up to 11 are seconds (to the year
// 5138), up to 14 milliseconds (from 1973), up to 17 microseconds, and more
// are nanoseconds.
//
// Returns out_of_range if the milliseconds do not fit int64, and wrong_type
// under kIso8601.
// REQUIRES: `number` is a JSON number; 32 readable bytes follow its start.
std::optional<RejectReason> ParseEpoch(std::string_view number,
                                       EventTimeFormat format, Timestamp& out);

}  // namespace tacho
