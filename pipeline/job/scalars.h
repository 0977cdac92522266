#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/base/units.h"

namespace tacho {

// The spellings of single values in a job file. Every parser takes the whole
// text or says, in one sentence, how the value is written.

// Bytes: digits, then nothing, B, kB, MB, GB (powers of 1000) or KiB, MiB, GiB
// (powers of 1024): "64MiB".
Result<uint64_t> ParseSize(std::string_view text);
// In the largest power of 1024 that divides it.
std::string FormatSize(uint64_t bytes);

// Digits only; no sign, no separators.
Result<uint64_t> ParseCount(std::string_view text);

// A number and perhaps a unit, "400 km/h". `unit` is nullptr for a bare number.
struct WrittenQuantity {
  double value = 0;
  std::optional<int64_t> whole;  // The same, exact, if it is an int64.
  const Unit* unit = nullptr;
};
Result<WrittenQuantity> ParseQuantity(std::string_view text);

// "2000-01-01", "2000-01-01T00:00:00Z" or epoch milliseconds of 10 digits or
// more, all UTC.
Result<Timestamp> ParsePointInTime(std::string_view text);

// true, on; false, off.
Result<bool> ParseSwitch(std::string_view text);

// What is wrong with `text`, or nothing.
// A topic for a job's data: not Kafka's own, nor a changelog of ours.
std::optional<std::string> CheckTopic(std::string_view text);
// UTF-8 without control characters, as Kafka takes it; names that are made of
// it are escaped (state/names.h).
inline constexpr size_t kMaxGroupBytes = 1024;
std::optional<std::string> CheckGroupId(std::string_view text);
std::optional<std::string> CheckJsonPointer(std::string_view text);
std::optional<std::string> CheckIdentifier(std::string_view text);

}  // namespace tacho
