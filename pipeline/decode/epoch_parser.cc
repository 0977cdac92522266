#include "pipeline/decode/epoch_parser.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <system_error>

#include "pipeline/decode/json_scalars.h"

namespace tacho {
namespace {

// Decimal places to move to get milliseconds.
int MillisShift(EventTimeFormat format, size_t whole_digits) {
  switch (format) {
    case EventTimeFormat::kEpochSeconds:
      return 3;
    case EventTimeFormat::kEpochMillis:
      return 0;
    case EventTimeFormat::kEpochMicros:
      return -3;
    case EventTimeFormat::kEpochNanos:
      return -6;
    case EventTimeFormat::kAuto:
    case EventTimeFormat::kIso8601:
      break;
  }
  if (whole_digits <= 11) return 3;
  if (whole_digits <= 14) return 0;
  return whole_digits <= 17 ? -3 : -6;
}

// A number as 0.d1d2d3... * 10^point, without leading zeros.
struct Decimal {
  bool negative = false;
  std::string_view digits;  // May hold one '.', which does not count.
  int64_t point = 0;
};

// Exponents are clamped: beyond these every non-zero number is out of range
// or a fraction of a millisecond, whatever its digits (a message is < 4 GB).
constexpr int64_t kMaxExponent = int64_t{1} << 40;

int64_t ReadExponent(std::string_view text) {
  if (text.starts_with('+')) text.remove_prefix(1);
  int64_t exponent = 0;
  const auto parsed =
      std::from_chars(text.data(), text.data() + text.size(), exponent);
  if (parsed.ec != std::errc()) {
    return text[0] == '-' ? -kMaxExponent : kMaxExponent;
  }
  return std::clamp(exponent, -kMaxExponent, kMaxExponent);
}

Decimal ReadDecimal(std::string_view number) {
  Decimal out;
  out.negative = number.starts_with('-');
  if (out.negative) number.remove_prefix(1);
  const size_t end = std::min(number.find_first_of("eE"), number.size());
  const std::string_view digits = number.substr(0, end);
  const size_t dot = std::min(digits.find('.'), digits.size());
  const size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return out;  // Zero.
  out.digits = digits.substr(first);
  // Zeros after the dot move the point to the left; the dot is no place.
  out.point = static_cast<int64_t>(dot) - static_cast<int64_t>(first) +
              (first > dot ? 1 : 0);
  if (end < number.size()) out.point += ReadExponent(number.substr(end + 1));
  return out;
}

// floor(decimal), if it fits.
std::optional<int64_t> Floor(const Decimal& decimal) {
  constexpr int64_t kInt64Digits = 19;
  if (decimal.digits.empty()) return 0;
  if (decimal.point > kInt64Digits) return std::nullopt;
  uint64_t whole = 0;
  int64_t places = decimal.point;
  bool fraction = false;
  for (const char c : decimal.digits) {
    if (c == '.') continue;
    if (places > 0) {
      whole = whole * 10 + static_cast<uint64_t>(c - '0');
      --places;
    } else if (c != '0') {
      fraction = true;
      break;
    }
  }
  for (; places > 0; --places) whole *= 10;
  // At most 19 digits, so `whole` has not wrapped.
  if (decimal.negative && fraction) ++whole;
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (whole > kMax + (decimal.negative ? 1 : 0)) return std::nullopt;
  return static_cast<int64_t>(decimal.negative ? 0 - whole : whole);
}

}  // namespace

std::optional<RejectReason> ParseEpoch(std::string_view number,
                                       EventTimeFormat format, Timestamp& out) {
  if (format == EventTimeFormat::kIso8601) return RejectReason::kWrongType;
  Decimal decimal = ReadDecimal(number);
  const size_t whole_digits =
      decimal.point > 0 ? static_cast<size_t>(decimal.point) : 0;
  decimal.point += MillisShift(format, whole_digits);
  const std::optional<int64_t> millis = Floor(decimal);
  if (!millis.has_value()) return RejectReason::kOutOfRange;
  out = FromEpochMillis(*millis);
  return std::nullopt;
}

}  // namespace tacho
