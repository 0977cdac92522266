#include "pipeline/job/file/key_value.h"
#include "pipeline/base/duration.h"

#include <algorithm>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "pipeline/base/suggestion.h"
#include "pipeline/base/units.h"
#include "pipeline/decode/decoder_config.h"
#include "pipeline/encode/row_encoder.h"
#include "pipeline/job/scalars.h"

namespace tacho {
namespace {

constexpr size_t kMaxTextBytes = 4096;

// Reads one scalar; on failure `problem_` says why.
class ScalarReader {
 public:
  ScalarReader(const JobKey& key, KeyValue& value) : key_(key), value_(value) {}

  const std::string& problem() const { return problem_; }

  void Read() {
    switch (key_.kind) {
      case KeyKind::kName:
        return ReadName();
      case KeyKind::kGroup:
        return Check(CheckGroupId(value_.text));
      case KeyKind::kTopic:
        return Check(CheckTopic(value_.text));
      case KeyKind::kPointer:
        return Check(CheckJsonPointer(value_.text));
      case KeyKind::kVehicle:
        if (value_.text == "key") return;
        return Check(CheckJsonPointer(value_.text));
      case KeyKind::kChoice:
      case KeyKind::kSideOutput:
        return ReadChoice();
      case KeyKind::kSwitch:
        Take(ParseSwitch(value_.text), value_.flag);
        return;
      case KeyKind::kCount:
        return ReadNumber(&ParseCount,
                          [](uint64_t n) { return std::to_string(n); });
      case KeyKind::kSize:
        return ReadNumber(&ParseSize, &FormatSize);
      case KeyKind::kDuration:
        return ReadDuration();
      case KeyKind::kTime:
        Take(ParsePointInTime(value_.text), value_.time);
        return;
      case KeyKind::kFormat:
        return ReadListed(TypeNames(FormatTypes()), "format");
      case KeyKind::kFraming:
        return ReadListed(TypeNames(FramingTypes()), "framing");
      case KeyKind::kShape:
        return ReadListed(TypeNames(ShapeTypes()), "shape");
      case KeyKind::kEncoding:
        return ReadListed(RowEncodingNames(), "encoding");
      case KeyKind::kUnit:
        return ReadUnit();
      default:
        return;  // Any text, or read elsewhere.
    }
  }

 private:
  void Check(std::optional<std::string> problem) {
    if (problem) problem_ = *std::move(problem);
  }

  template <typename T>
  bool Take(Result<T> result, T& out) {
    if (result.ok()) {
      out = *result;
    } else {
      problem_ = result.status().message();
    }
    return result.ok();
  }

  void ReadName() {
    constexpr size_t kMaxNameBytes = 100;
    if (CheckTopic(value_.text) || value_.text.size() > kMaxNameBytes ||
        value_.text.front() == '.') {
      problem_ = "'" + value_.text +
                 "' is not a job name: 1 to 100 of A-Z a-z 0-9 . _ -, no dot "
                 "first";
    }
  }

  void ReadChoice() {
    const std::vector<std::string_view> choices = key_.Choices();
    const auto found = std::find(choices.begin(), choices.end(), value_.text);
    if (found != choices.end()) {
      value_.choice = static_cast<size_t>(found - choices.begin());
    } else if (!key_.retired.empty() && value_.text == key_.retired) {
      problem_ = "'" + value_.text +
                 "' is no longer a choice: " + std::string(key_.retired_help);
    } else if (key_.kind == KeyKind::kSideOutput) {
      problem_ = "'" + value_.text + "' is not an output; write {topic: NAME}";
      for (std::string_view choice : choices) {
        problem_ += " or " + std::string(choice);
      }
    } else {
      problem_ = "'" + value_.text + "' is not one of: " + JoinNames(choices) +
                 DidYouMean(value_.text, choices, '\'');
    }
  }

  template <typename Parse, typename Format>
  void ReadNumber(Parse parse, Format format) {
    if (!TakeNumber(parse(value_.text))) return;
    const uint64_t min = *parse(key_.min);
    const uint64_t max = *parse(key_.max);
    if (value_.number < min || value_.number > max) {
      problem_ =
          value_.text + " is outside " + format(min) + " to " + format(max);
    }
  }
  bool TakeNumber(Result<uint64_t> result) {
    return Take(std::move(result), value_.number);
  }

  void ReadDuration() {
    if (!Take(ParseDuration(value_.text), value_.duration)) return;
    if (value_.duration < *ParseDuration(key_.min) ||
        value_.duration > *ParseDuration(key_.max)) {
      problem_ = value_.text + " is outside " + std::string(key_.min) + " to " +
                 std::string(key_.max);
    }
  }

  void ReadListed(const std::vector<std::string_view>& names,
                  const char* what) {
    if (std::find(names.begin(), names.end(), value_.text) != names.end()) {
      return;
    }
    problem_ = std::string("unknown ") + what + " '" + value_.text + "'" +
               Suggest(value_.text, names, '\'');
  }

  void ReadUnit() {
    if (FindUnit(value_.text) != nullptr) return;
    problem_ = UnknownUnit(value_.text, '\'');
  }

  const JobKey& key_;
  KeyValue& value_;
  std::string problem_;
};

std::string Expected(KeyKind kind) {
  switch (kind) {
    case KeyKind::kTopics:
      return "a list, as in [vehicle.telemetry]";
    case KeyKind::kTexts:
      return "a list, as in [location, 17, true]";
    case KeyKind::kUnits:
      return "a list, as in [mph, F]";
    default:
      return "a single value";
  }
}

std::optional<KeyValue> ReadTexts(const std::string& path, const YamlNode& node,
                                  Diagnostics& diagnostics) {
  KeyValue value;
  value.origin = node.origin;
  if (node.values.empty()) {
    diagnostics.Error(node.origin, path + ": the list is empty");
    return std::nullopt;
  }
  for (const YamlNode& text : node.values) {
    if (!text.is_scalar()) {
      diagnostics.Error(
          text.origin,
          path + ": expected a single value, found " + text.KindName());
      return std::nullopt;
    }
    if (text.text.size() > kMaxTextBytes) {
      diagnostics.Error(text.origin, path + ": the value is too long");
      return std::nullopt;
    }
    value.list.push_back(text.text);
  }
  return value;
}

// At most one unit of a dimension: the second would never be used.
std::optional<KeyValue> ReadUnits(const std::string& path, const YamlNode& node,
                                  Diagnostics& diagnostics) {
  KeyValue value;
  value.origin = node.origin;
  const size_t before = diagnostics.error_count();
  std::vector<const Unit*> units;
  for (const YamlNode& item : node.values) {
    const Unit* const unit = item.is_scalar() ? FindUnit(item.text) : nullptr;
    if (unit == nullptr) {
      diagnostics.Error(
          item.origin,
          path + ": " +
              (item.is_scalar()
                   ? UnknownUnit(item.text, '\'')
                   : std::string("expected a unit, found ") + item.KindName()));
      continue;
    }
    for (const Unit* const other : units) {
      if (other->dimension != unit->dimension) continue;
      diagnostics.Error(item.origin,
                        path + ": '" + item.text + "' and '" +
                            std::string(other->name) + "' are both units of " +
                            std::string(DimensionName(unit->dimension)));
    }
    units.push_back(unit);
    value.list.push_back(item.text);
  }
  if (diagnostics.error_count() != before) return std::nullopt;
  return value;
}

std::optional<KeyValue> ReadTopics(const std::string& path,
                                   const YamlNode& node,
                                   Diagnostics& diagnostics) {
  KeyValue value;
  value.origin = node.origin;
  const size_t before = diagnostics.error_count();
  if (node.values.empty()) {
    diagnostics.Error(node.origin, path + ": the list is empty");
  }
  std::unordered_set<std::string_view> seen;
  for (const YamlNode& topic : node.values) {
    if (!topic.is_scalar()) {
      diagnostics.Error(topic.origin, path + ": expected a topic name, found " +
                                          topic.KindName());
      continue;
    }
    if (const auto problem = CheckTopic(topic.text)) {
      diagnostics.Error(topic.origin, path + ": " + *problem);
    } else if (!seen.insert(topic.text).second) {
      diagnostics.Error(topic.origin,
                        path + ": '" + topic.text + "' is listed twice");
    }
    value.list.push_back(topic.text);
  }
  if (diagnostics.error_count() != before) return std::nullopt;
  return value;
}

}  // namespace

std::optional<KeyValue> ReadKeyValue(const JobKey& key, const std::string& path,
                                     const YamlNode& node,
                                     Diagnostics& diagnostics) {
  const bool wants_list = key.kind == KeyKind::kTopics ||
                          key.kind == KeyKind::kTexts ||
                          key.kind == KeyKind::kUnits;
  if (wants_list ? !node.is_list() : !node.is_scalar()) {
    diagnostics.Error(node.origin, path + ": expected " + Expected(key.kind) +
                                       ", found " + node.KindName());
    return std::nullopt;
  }
  if (key.kind == KeyKind::kTexts) return ReadTexts(path, node, diagnostics);
  if (key.kind == KeyKind::kTopics) return ReadTopics(path, node, diagnostics);
  if (key.kind == KeyKind::kUnits) return ReadUnits(path, node, diagnostics);

  KeyValue value;
  value.text = node.text;
  value.origin = node.origin;
  if (value.text.empty() || value.text.size() > kMaxTextBytes) {
    diagnostics.Error(node.origin,
                      path + (value.text.empty() ? ": the value is empty"
                                                 : ": the value is too long"));
    return std::nullopt;
  }
  ScalarReader reader(key, value);
  reader.Read();
  if (reader.problem().empty()) return value;
  diagnostics.Error(node.origin, path + ": " + reader.problem());
  if (key.kind != KeyKind::kUnit) return std::nullopt;
  // Going on with the unit that was meant keeps one misspelling from making
  // every expression on the signal an error too.
  value.text = std::string(NearestUnit(value.text));
  return value;
}

}  // namespace tacho
