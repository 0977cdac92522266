#include "pipeline/base/iso8601.h"

#include <chrono>
#include <cstdint>

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

// So many decimal digits.
char* WriteDigits(int64_t value, int count, char* out) {
  for (int i = count - 1; i >= 0; --i, value /= 10) {
    out[i] = static_cast<char>('0' + value % 10);
  }
  return out + count;
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

char* WriteIso8601(Timestamp time, char* out) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const int64_t ms = (time - day).count();
  out = WriteDigits(int{date.year()}, 4, out);
  *out++ = '-';
  out = WriteDigits(unsigned{date.month()}, 2, out);
  *out++ = '-';
  out = WriteDigits(unsigned{date.day()}, 2, out);
  *out++ = 'T';
  out = WriteDigits(ms / 3600000, 2, out);
  *out++ = ':';
  out = WriteDigits(ms / 60000 % 60, 2, out);
  *out++ = ':';
  out = WriteDigits(ms / 1000 % 60, 2, out);
  *out++ = '.';
  out = WriteDigits(ms % 1000, 3, out);
  *out++ = 'Z';
  return out;
}

std::string FormatIso8601(Timestamp time) {
  char text[kIso8601Bytes];
  return {text, WriteIso8601(time, text)};
}

}  // namespace tacho
