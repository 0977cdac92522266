#pragma once

#include <string>
#include <string_view>

#include "pipeline/base/status.h"
#include "pipeline/base/time.h"

namespace tacho {

// How a duration is written in a job file and in messages: one or more of
// <digits><ms|s|m|h|d>, largest first: "200ms", "1h30m", "7d". At most 100,000
// days. An error says how it is written.
Result<Millis> ParseDuration(std::string_view text);

// As ParseDuration reads it, in the largest units: "1h30m"; "0s".
// REQUIRES: not negative.
std::string FormatDuration(Millis duration);

}  // namespace tacho
