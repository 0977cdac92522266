#include "pipeline/decode/json_scalars.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <system_error>

namespace tacho {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

size_t SkipDigits(std::string_view text, size_t at) {
  while (at < text.size() && IsDigit(text[at])) ++at;
  return at;
}

// The value of a number without exponent and of fewer than 16 bytes. False: it
// is another.
bool PlainDecimal(std::string_view number, double& out) {
  const size_t sign = number[0] == '-' ? 1 : 0;
  const char* const p = number.data() + sign;
  const NumberParts parts = PartsAt(p);
  if (parts.size() >= 16 || sign + parts.size() != number.size()) return false;
  const double value = PlainDouble(p, parts.whole, parts.fraction);
  out = sign != 0 ? -value : value;
  return true;
}

// A number that from_chars calls out of range is below 1, that is, too small:
// judged by the decimal exponent of its first significant digit.
bool IsBelowOne(std::string_view number) {
  const size_t exponent_at = std::min(number.find_first_of("eE"),  //
                                      number.size());
  const std::string_view digits = number.substr(0, exponent_at);
  const size_t point = std::min(digits.find('.'), digits.size());
  const size_t first = digits.find_first_of("123456789");
  if (first == std::string_view::npos) return true;
  const auto place = static_cast<int64_t>(point) - static_cast<int64_t>(first);
  std::string_view exponent = number.substr(exponent_at);
  if (exponent.empty()) return place <= 0;
  exponent.remove_prefix(
      exponent.starts_with("e+") || exponent.starts_with("E+") ? 2 : 1);
  int64_t power = 0;
  const auto parsed = std::from_chars(exponent.data(),
                                      exponent.data() + exponent.size(), power);
  if (parsed.ec != std::errc()) return exponent[0] == '-';
  // `place` is at most the size of a message, so the sum cannot overflow
  // unless the exponent alone decides.
  if (power < -(int64_t{1} << 40)) return true;
  if (power > (int64_t{1} << 40)) return false;
  return place + power <= 0;
}

}  // namespace

size_t NumberPrefix(std::string_view text) {
  size_t at = text.starts_with('-') ? 1 : 0;
  const size_t whole = at;
  at = SkipDigits(text, at);
  if (at == whole || (text[whole] == '0' && at - whole > 1)) return 0;
  if (at < text.size() && text[at] == '.') {
    const size_t fraction = at + 1;
    at = SkipDigits(text, fraction);
    if (at == fraction) return 0;
  }
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    const size_t exponent = at;
    at = SkipDigits(text, exponent);
    if (at == exponent) return 0;
  }
  return at;
}

std::optional<double> ToDouble(std::string_view number) {
  double value = 0;
  if (PlainDecimal(number, value)) [[likely]] {
    return value;
  }
  const auto parsed =
      std::from_chars(number.data(), number.data() + number.size(), value);
  if (parsed.ec == std::errc() && std::isfinite(value)) return value;
  if (!IsBelowOne(number)) return std::nullopt;
  return number[0] == '-' ? -0.0 : 0.0;
}

IntResult ToInt64(std::string_view number, int64_t& out) {
  const size_t sign = number[0] == '-' ? 1 : 0;
  const size_t whole = PartsAt(number.data() + sign).whole;
  if (whole < 16 && sign + whole == number.size()) [[likely]] {
    const auto value =
        static_cast<int64_t>(DigitsValue(number.data() + sign, whole));
    out = sign != 0 ? -value : value;
    return IntResult::kOk;
  }
  const auto parsed =
      std::from_chars(number.data(), number.data() + number.size(), out);
  // from_chars stops at '.' or 'e' only after it has read all digits.
  if (parsed.ptr != number.data() + number.size()) {
    return IntResult::kNotAnInteger;
  }
  return parsed.ec == std::errc() ? IntResult::kOk : IntResult::kOutOfRange;
}

}  // namespace tacho
