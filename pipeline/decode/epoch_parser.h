#pragma once

#include <optional>
#include <string_view>

#include "pipeline/base/reject.h"
#include "pipeline/base/time.h"
#include "pipeline/decode/decoder_config.h"

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

}  // namespace tacho
