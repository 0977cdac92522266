#include "pipeline/decode/signal_rules.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

#include "pipeline/base/json_escape.h"

namespace tacho {
namespace {

constexpr double kMaxDouble = std::numeric_limits<double>::max();
constexpr Unit kAsIs{"", Dimension::kNone, 0, 1};

constexpr double kInt64Limit = 9223372036854775808.0;  // 2^63

// The bounds of an int64: as they were written, or the whole numbers next to
// them; none fits if they are beyond an int64.
void SetWholeBounds(const SignalSource& source, int64_t& min, int64_t& max) {
  min = std::numeric_limits<int64_t>::min();
  max = std::numeric_limits<int64_t>::max();
  // What was written exactly may be 2^63 as a double, and fit all the same.
  if ((!source.whole_min && source.min >= kInt64Limit) ||
      (!source.whole_max && source.max < -kInt64Limit)) {
    std::swap(min, max);
    return;
  }
  if (source.whole_min.has_value()) {
    min = *source.whole_min;
  } else if (source.min >= -kInt64Limit) {
    min = static_cast<int64_t>(std::ceil(source.min));
  }
  if (source.whole_max.has_value()) {
    max = *source.whole_max;
  } else if (source.max < kInt64Limit) {
    max = static_cast<int64_t>(std::floor(source.max));
  }
}

// Whole numbers stay whole: a unit that does not is rounded to even.
IntResult Convert(const Unit& unit, int64_t& value) {
  if (unit.is_canonical()) return IntResult::kOk;
  const double inside =
      std::nearbyint(unit.ToCanonical(static_cast<double>(value)));
  if (!(inside >= -kInt64Limit && inside < kInt64Limit)) {
    return IntResult::kOutOfRange;
  }
  value = static_cast<int64_t>(inside);
  return IntResult::kOk;
}

template <typename Number>
std::string NumberText(Number value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

std::string BoundText(double bound, std::optional<int64_t> whole) {
  return whole.has_value() ? NumberText(*whole) : NumberText(bound);
}

// "from -90 to 90", in the dimension's unit; a bound that is not set is that
// of a double.
std::string RangeText(const SignalSource& source) {
  std::string text = "a number";
  const bool is_integer = source.signal.type == SignalType::kInt64;
  if (std::isfinite(source.min)) {
    text += " from " + BoundText(source.min, source.whole_min);
  }
  if (std::isfinite(source.max)) {
    text += " to " + BoundText(source.max, source.whole_max);
  }
  const std::string_view unit = CanonicalUnit(source.signal.dimension);
  if (text.size() > 8 && !unit.empty()) text += " " + std::string(unit);
  return text + (is_integer ? " that fits int64" : "");
}

std::string_view ExpectedOf(SignalType type) {
  switch (type) {
    case SignalType::kDouble:
      return "a number";
    case SignalType::kInt64:
      return "a whole number, without fraction and exponent";
    case SignalType::kBool:
      return "true or false";
    case SignalType::kString:
      return "text";
  }
  return "";
}

}  // namespace

SignalRules::SignalRules(const DecoderConfig& config)
    : string_bytes_(config.limits.string_bytes) {
  for (const SignalSource& source : config.signals) {
    Rule rule;
    rule.type = source.signal.type;
    rule.required = source.required;
    rule.allow_string = source.allow_string;
    rule.on_bad = source.on_bad;
    rule.unit = source.unit == nullptr ? kAsIs : *source.unit;
    // Finite bounds also refuse what a conversion takes to infinity.
    rule.min = std::max(source.min, -kMaxDouble);
    rule.max = std::min(source.max, kMaxDouble);
    SetWholeBounds(source, rule.whole_min, rule.whole_max);
    if (rule.required) required_.push_back(rules_.size());
    rules_.push_back(rule);
    ranges_.push_back(RangeText(source));
  }
}

Refused SignalRules::OnBadValue(const Rule& rule, size_t signal,
                                RejectReason reason, RecordWriter& writer) {
  if (rule.on_bad == OnBad::kReject) return reason;
  writer.SetState(signal, CellState::kInvalid);
  ++writer.batch().invalid_values;
  return std::nullopt;
}

Refused SignalRules::ReadOther(size_t signal, const JsonValue& value,
                               RecordWriter& writer) const {
  const Rule& rule = rules_[signal];
  if (value.kind > JsonKind::kNull) {
    const Refused refused = ReadValue(rule, signal, value, writer);
    if (!refused.has_value()) return std::nullopt;
    return OnBadValue(rule, signal, *refused, writer);
  }
  if (rule.required) return RejectReason::kMissingField;
  if (value.kind == JsonKind::kNull) writer.SetState(signal, CellState::kNull);
  return std::nullopt;
}

Refused SignalRules::ReadValue(const Rule& rule, size_t signal,
                               const JsonValue& value,
                               RecordWriter& writer) const {
  if (rule.type == SignalType::kBool) return ReadBool(signal, value, writer);
  if (rule.type == SignalType::kString) {
    return ReadString(signal, value, writer);
  }
  std::string_view number = value.text();
  if (value.kind != JsonKind::kNumber) {
    if (!rule.allow_string || !IsText(value)) return RejectReason::kWrongType;
    number = PlainText(value, writer.arena());
    if (!IsJsonNumber(number)) return RejectReason::kWrongType;
  }
  return rule.type == SignalType::kDouble
             ? ReadDouble(rule, signal, number, writer)
             : ReadInt64(rule, signal, number, writer);
}

Refused SignalRules::ReadBool(size_t signal, const JsonValue& value,
                              RecordWriter& writer) {
  if (value.kind != JsonKind::kTrue && value.kind != JsonKind::kFalse) {
    return RejectReason::kWrongType;
  }
  writer.SetBool(signal, value.kind == JsonKind::kTrue);
  return std::nullopt;
}

Refused SignalRules::ReadDouble(const Rule& rule, size_t signal,
                                std::string_view number, RecordWriter& writer) {
  double inside = 0;
  if (!ToCanonical(rule, number, inside)) return RejectReason::kOutOfRange;
  writer.SetDouble(signal, inside);
  return std::nullopt;
}

Refused SignalRules::ReadString(size_t signal, const JsonValue& value,
                                RecordWriter& writer) const {
  if (!IsText(value)) return RejectReason::kWrongType;
  const std::string_view text = PlainText(value, writer.arena());
  // A result is JSON: what counts is how long the text is there. Without
  // escapes it is as long as here.
  const bool fits = value.kind == JsonKind::kText
                        ? text.size() <= string_bytes_
                        : EscapedJsonFits(text, string_bytes_);
  if (!fits) return RejectReason::kTooLarge;
  writer.SetString(signal, text);
  return std::nullopt;
}

Refused SignalRules::ReadInt64(const Rule& rule, size_t signal,
                               std::string_view number, RecordWriter& writer) {
  int64_t value = 0;
  IntResult result = ToInt64(number, value);
  if (result == IntResult::kOk) result = Convert(rule.unit, value);
  if (result == IntResult::kNotAnInteger) return RejectReason::kWrongType;
  if (result == IntResult::kOutOfRange || value < rule.whole_min ||
      value > rule.whole_max) {
    return RejectReason::kOutOfRange;
  }
  writer.SetInt64(signal, value);
  return std::nullopt;
}

void SignalRules::Note(size_t signal, const JsonValue& value,
                       std::string_view path, RejectReason reason,
                       RejectSite& site) const {
  const Rule& rule = rules_[signal];
  std::string_view expected = ExpectedOf(rule.type);
  if (reason == RejectReason::kOutOfRange) {
    expected = ranges_[signal];
  } else if (reason == RejectReason::kTooLarge) {
    expected = "at most limits.string_bytes, as JSON writes them";
  } else if (IsText(value) && rule.type != SignalType::kString &&
             rule.type != SignalType::kBool && !rule.allow_string) {
    expected = "a number; or write allow_string: true";
  }
  NoteFound(value, expected, site);
  site.site = kFirstSignalSite + signal;
  site.path = path;
}

}  // namespace tacho
