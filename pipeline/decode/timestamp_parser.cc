#include "pipeline/decode/timestamp_parser.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <limits>
#include <system_error>

#include "pipeline/decode/json_scalars.h"

namespace tacho {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// Collects whether everything read so far was a digit, so that a timestamp is
// judged by one branch.
class DigitReader {
 public:
  explicit DigitReader(const char* text) : text_(text) {}

  int Two(size_t at) { return Digit(at) * 10 + Digit(at + 1); }
  int Four(size_t at) { return Two(at) * 100 + Two(at + 2); }
  bool ok() const { return ok_; }

 private:
  int Digit(size_t at) {
    const int digit = text_[at] - '0';
    ok_ &= digit >= 0 && digit <= 9;
    return digit;
  }

  const char* text_;
  bool ok_ = true;
};

// Milliseconds of the fraction at the start of `text` and its length, dot
// included; length 0 if it is none.
struct Fraction {
  size_t size = 0;
  int millis = 0;
};

Fraction ReadFraction(std::string_view text) {
  Fraction out;
  int scale = 100;
  size_t at = 1;
  for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
    out.millis += (text[at] - '0') * scale;
    scale /= 10;
  }
  if (at >= 2 && at <= 10) out.size = at;
  return out;
}

// The zone that is all of `text`: Z, +hh:mm or +hhmm.
std::optional<RejectReason> ReadZone(std::string_view text, minutes& offset) {
  if (text == "Z" || text == "z") {
    offset = minutes(0);
    return std::nullopt;
  }
  const bool colon = text.size() == 6 && text[3] == ':';
  if (!(colon || text.size() == 5) || (text[0] != '+' && text[0] != '-')) {
    return RejectReason::kWrongType;
  }
  DigitReader digits(text.data());
  const int hour = digits.Two(1);
  const int minute = digits.Two(colon ? 4 : 3);
  if (!digits.ok()) return RejectReason::kWrongType;
  if (hour > 23 || minute > 59) return RejectReason::kOutOfRange;
  offset = minutes(hour * 60 + minute);
  if (text[0] == '-') offset = -offset;
  return std::nullopt;
}

// A leap second is counted as the second after it, which starts a month.
bool EndsInLeapSecond(std::chrono::sys_seconds after) {
  const auto day = std::chrono::floor<days>(after);
  return after == day &&
         std::chrono::year_month_day(day).day() == std::chrono::day(1);
}

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

std::optional<RejectReason> ParseIso8601(std::string_view text,
                                         Timestamp& out) {
  // "2026-01-26T16:00:00" and at least one character of zone.
  constexpr size_t kSecondsEnd = 19;
  if (text.size() <= kSecondsEnd) return RejectReason::kWrongType;
  DigitReader digits(text.data());
  const int year = digits.Four(0);
  const int month = digits.Two(5);
  const int day = digits.Two(8);
  const int hour = digits.Two(11);
  const int minute = digits.Two(14);
  const int second = digits.Two(17);
  if (!digits.ok() || text[4] != '-' || text[7] != '-' ||
      (text[10] | 0x20) != 't' || text[13] != ':' || text[16] != ':') {
    return RejectReason::kWrongType;
  }
  Fraction fraction;
  if (text[kSecondsEnd] == '.') {
    fraction = ReadFraction(text.substr(kSecondsEnd));
    if (fraction.size == 0) return RejectReason::kWrongType;
  }
  minutes offset{0};
  const auto zone = ReadZone(text.substr(kSecondsEnd + fraction.size), offset);
  if (zone.has_value()) return zone;
  const std::chrono::year_month_day date(
      std::chrono::year(year), std::chrono::month(static_cast<unsigned>(month)),
      std::chrono::day(static_cast<unsigned>(day)));
  if (!date.ok() || hour > 23 || minute > 59 || second > 60) {
    return RejectReason::kOutOfRange;
  }
  const std::chrono::sys_seconds time = std::chrono::sys_days(date) +
                                        hours(hour) + minutes(minute) +
                                        seconds(second) - offset;
  if (second == 60 && !EndsInLeapSecond(time)) return RejectReason::kOutOfRange;
  out = time + Millis(fraction.millis);
  return std::nullopt;
}

std::optional<RejectReason> ParseEpoch(std::string_view number,
                                       EventTimeFormat format, Timestamp& out) {
  if (format == EventTimeFormat::kIso8601) return RejectReason::kWrongType;
  // Whole milliseconds are by far the most frequent form.
  const bool is_millis =
      format == EventTimeFormat::kEpochMillis ||
      (format == EventTimeFormat::kAuto && number.size() >= 12 &&
       number.size() <= 14 && number[0] != '-');
  int64_t value = 0;
  if (is_millis && ToInt64(number, value) == IntResult::kOk) [[likely]] {
    out = FromEpochMillis(value);
    return std::nullopt;
  }
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
