#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/base/reject.h"
#include "pipeline/base/time.h"

namespace tacho {

// Times as text: RFC 3339, in messages, jobs, results, logs and names.
//
// Threading: none; functions only.

// RFC 3339 with a zone: 2026-01-26T16:00:00.123456789+05:30. 'T' and 'Z' may
// be lower case; a fraction has 1 to 9 digits; the offset may lack its colon.
// Exact, and what is finer than a millisecond goes towards the past: the result
// is the millisecond that holds the instant, before 1970 too. A leap second,
// 23:59:60 UTC at the end of a month, is the second after it.
//
// Returns wrong_type for any other shape (no zone, a space for the 'T', a year
// of five digits) and out_of_range for a day, hour or offset that does not
// exist.
std::optional<RejectReason> ParseIso8601(std::string_view text, Timestamp& out);

// RFC 3339 has four digits for the year: the first time that has them, and the
// first that has them no more.
inline constexpr Timestamp kFirstIso8601 = FromEpochMillis(-62167219200000);
inline constexpr Timestamp kPastIso8601 = FromEpochMillis(253402300800000);

// 2025-10-11T12:13:14.015Z, kIso8601Bytes of it; returns the end.
// REQUIRES: kFirstIso8601 <= time < kPastIso8601.
inline constexpr size_t kIso8601Bytes = 24;
char* WriteIso8601(Timestamp time, char* out);
std::string FormatIso8601(Timestamp time);

}  // namespace tacho
