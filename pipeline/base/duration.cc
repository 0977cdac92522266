#include "pipeline/base/duration.h"

#include <array>
#include <charconv>
#include <cstdint>

namespace tacho {
namespace {

struct Part {
  std::string_view name;
  uint64_t millis;
};
// A duration's parts come in this order.
constexpr std::array<Part, 5> kLargestFirst = {
    {{"d", 86400000}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"ms", 1}}};
constexpr uint64_t kMaxMillis = uint64_t{100000} * 86400000;

Status NotADuration(std::string_view text) {
  return InvalidArgument("'" + std::string(text) +
                         "' is not a duration; write digits and a unit, as in "
                         "200ms, 10s, 1h30m or 7d");
}

// Takes the unit's name off `text`; the end of the units: there is none of
// `unit` or after it.
size_t TakeUnit(std::string_view& text, size_t unit) {
  const size_t letters =
      std::min(text.find_first_of("0123456789"), text.size());
  while (unit < kLargestFirst.size() &&
         kLargestFirst[unit].name != text.substr(0, letters)) {
    ++unit;
  }
  text.remove_prefix(letters);
  return unit;
}

}  // namespace

Result<Millis> ParseDuration(std::string_view text) {
  std::string_view rest = text;
  uint64_t total = 0;
  size_t unit = 0;
  do {
    uint64_t count = 0;
    const auto [end, error] =
        std::from_chars(rest.data(), rest.data() + rest.size(), count);
    if (error != std::errc()) return NotADuration(text);
    rest.remove_prefix(static_cast<size_t>(end - rest.data()));
    unit = TakeUnit(rest, unit);
    if (unit == kLargestFirst.size()) return NotADuration(text);
    const uint64_t millis = kLargestFirst[unit++].millis;
    if (count > (kMaxMillis - total) / millis) {
      return InvalidArgument("'" + std::string(text) +
                             "' is more than 100,000 days");
    }
    total += count * millis;
  } while (!rest.empty());
  return Millis{static_cast<int64_t>(total)};
}

std::string FormatDuration(Millis duration) {
  auto rest = static_cast<uint64_t>(duration.count());
  std::string text;
  for (const Part& unit : kLargestFirst) {
    if (rest < unit.millis) continue;
    text += std::to_string(rest / unit.millis);
    text += unit.name;
    rest %= unit.millis;
  }
  return text.empty() ? "0s" : text;
}

}  // namespace tacho
