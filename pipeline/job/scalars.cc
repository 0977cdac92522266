#include "pipeline/job/scalars.h"

#include <array>
#include <charconv>
#include <cmath>

#include "pipeline/base/iso8601.h"
#include "pipeline/base/json_pointer.h"
#include "pipeline/base/topic_name.h"
#include "pipeline/base/utf8.h"
#include "state/changelog_name.h"

namespace tacho {
namespace {

bool IsDigit(char c) { return c >= '0' && c <= '9'; }
bool IsLetter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

struct Scale {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array<Scale, 8> kSizeUnits = {{{"GiB", uint64_t{1} << 30},
                                              {"MiB", uint64_t{1} << 20},
                                              {"KiB", uint64_t{1} << 10},
                                              {"GB", 1000000000},
                                              {"MB", 1000000},
                                              {"kB", 1000},
                                              {"B", 1},
                                              {"", 1}}};
constexpr uint64_t kMaxBytes = uint64_t{1} << 50;
constexpr uint64_t kMaxEpochMillis = uint64_t{100000} * 86400000;

// Takes leading digits off `text`. Nothing: no digit, or more than uint64.
std::optional<uint64_t> TakeDigits(std::string_view& text) {
  if (text.empty() || !IsDigit(text.front())) return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  return value;
}

// value * factor, or nothing above `limit`.
std::optional<uint64_t> Multiply(uint64_t value, uint64_t factor,
                                 uint64_t limit) {
  if (value > limit / factor) return std::nullopt;
  return value * factor;
}

}  // namespace

Result<uint64_t> ParseSize(std::string_view text) {
  std::string_view rest = text;
  const std::optional<uint64_t> digits = TakeDigits(rest);
  for (const Scale& unit : kSizeUnits) {
    if (!digits || rest != unit.name) continue;
    const auto bytes = Multiply(*digits, unit.factor, kMaxBytes);
    if (bytes) return *bytes;
    return InvalidArgument("'" + std::string(text) + "' is more than 1 PiB");
  }
  return InvalidArgument("'" + std::string(text) +
                         "' is not a size; write digits and a unit, as in "
                         "64MiB (2^20 bytes) or 64MB (10^6 bytes)");
}

std::string FormatSize(uint64_t bytes) {
  for (const Scale& unit : kSizeUnits) {
    if (unit.name.size() != 3 || bytes % unit.factor != 0 || bytes == 0) {
      continue;
    }
    return std::to_string(bytes / unit.factor) + std::string(unit.name);
  }
  return std::to_string(bytes) + "B";
}

Result<uint64_t> ParseCount(std::string_view text) {
  std::string_view rest = text;
  const std::optional<uint64_t> digits = TakeDigits(rest);
  if (digits && rest.empty()) return *digits;
  return InvalidArgument("'" + std::string(text) +
                         "' is not a whole number; write digits only");
}

Result<WrittenQuantity> ParseQuantity(std::string_view text) {
  WrittenQuantity quantity;
  const auto [end, error] =
      std::from_chars(text.data(), text.data() + text.size(), quantity.value);
  if (error != std::errc() || !std::isfinite(quantity.value)) {
    return InvalidArgument("'" + std::string(text) +
                           "' is not a quantity; write a number and perhaps a "
                           "unit, as in 400 km/h");
  }
  int64_t whole = 0;
  const auto exact = std::from_chars(text.data(), end, whole);
  if (exact.ec == std::errc() &&
      std::string_view(exact.ptr, end).find_first_not_of(".0") ==
          std::string_view::npos) {
    quantity.whole = whole;
  }
  std::string_view unit = text.substr(static_cast<size_t>(end - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  if (unit.empty()) return quantity;
  quantity.unit = FindUnit(unit);
  if (quantity.unit != nullptr) return quantity;
  return InvalidArgument(UnknownUnit(unit, '\''));
}

Result<Timestamp> ParsePointInTime(std::string_view text) {
  const Status error = InvalidArgument(
      "'" + std::string(text) +
      "' is not a time; write 2000-01-01, 2000-01-01T00:00:00Z or epoch "
      "milliseconds");
  std::string_view rest = text;
  const std::optional<uint64_t> digits = TakeDigits(rest);
  if (digits && rest.empty() && text.size() >= 10) {
    if (*digits > kMaxEpochMillis) return error;
    return FromEpochMillis(static_cast<int64_t>(*digits));
  }
  // All in UTC and in whole seconds, so that a bound reads as it is checked.
  constexpr size_t kDay = std::string_view("2000-01-01").size();
  constexpr size_t kSeconds = std::string_view("2000-01-01T00:00:00Z").size();
  std::string written(text);
  if (text.size() == kDay) written += "T00:00:00Z";
  Timestamp time;
  if (written.size() != kSeconds || written[kDay] != 'T' ||
      written.back() != 'Z' || ParseIso8601(written, time).has_value()) {
    return error;
  }
  return time;
}

Result<bool> ParseSwitch(std::string_view text) {
  if (text == "true" || text == "on") return true;
  if (text == "false" || text == "off") return false;
  return InvalidArgument("'" + std::string(text) +
                         "' is neither true (on) nor false (off)");
}

std::optional<std::string> CheckTopic(std::string_view text) {
  if (text.starts_with('^')) {
    return "regular expressions are not supported; list the topics by name";
  }
  if (!IsTopicName(text)) {
    return "'" + std::string(text) +
           "' is not a topic name: 1 to 249 of A-Z a-z 0-9 . _ -";
  }
  if (text.starts_with("__")) {
    return "'" + std::string(text) +
           "' is a topic of Kafka's own: names that begin with __ are not for "
           "a job's data";
  }
  if (IsNamedLikeChangelog(text)) {
    return "'" + std::string(text) +
           "' is named like a changelog of tacho, which holds a group's state; "
           "a record of another kind in it destroys that: name another topic";
  }
  return std::nullopt;
}

std::optional<std::string> CheckGroupId(std::string_view text) {
  if (!text.empty() && text.size() <= kMaxGroupBytes && IsUtf8(text) &&
      !HasControl(text)) {
    return std::nullopt;
  }
  return "this is not a group id: 1 to " + std::to_string(kMaxGroupBytes) +
         " bytes of UTF-8 without control characters";
}

std::optional<std::string> CheckJsonPointer(std::string_view text) {
  if (!text.empty() && ParseJsonPointer(text).has_value()) return std::nullopt;
  return "'" + std::string(text) +
         "' is not a JSON pointer; write the path from the message's root, as "
         "in /speed_kmph or /position/lat";
}

std::optional<std::string> CheckIdentifier(std::string_view text) {
  constexpr size_t kMaxBytes = 64;
  // What the expression language takes for itself.
  for (std::string_view word : {"and", "or", "not", "true", "false", "null"}) {
    if (text == word) {
      return "'" + std::string(text) + "' is a word of the expression language";
    }
  }
  bool legal = !text.empty() && !IsDigit(text.front());
  for (char c : text) {
    legal = legal && (IsDigit(c) || IsLetter(c) || c == '_');
  }
  if (legal && text.size() <= kMaxBytes) return std::nullopt;
  return "'" + std::string(text) +
         "' is not a name: 1 to 64 of A-Z a-z 0-9 _, not a digit first";
}

}  // namespace tacho
