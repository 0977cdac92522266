#include "pipeline/job/key_value.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/nearest.h"
#include "pipeline/decode/decoder.h"
#include "pipeline/job/scalars.h"
#include "pipeline/job/suggestion.h"

namespace tacho {
namespace {

constexpr size_t kMaxTextBytes = 4096;

// "; write one of: a, b"
std::string OneOf(const std::vector<std::string_view>& names) {
  std::string text;
  for (std::string_view name : names) {
    text += text.empty() ? "" : ", ";
    text += name;
  }
  return text;
}

// Reads one scalar; on failure `problem_` says why.
class ScalarReader {
 public:
  ScalarReader(const JobKey& key, KeyValue& value) : key_(key), value_(value) {}

  const std::string& problem() const { return problem_; }

  void Read() {
    switch (key_.kind) {
      case KeyKind::kName:
        return ReadName();
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
      case KeyKind::kDecoder:
        return ReadListed(DecoderNames(), "decoder");
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

  // Names are parts of topic and file names: no path can be made of one.
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
    } else if (key_.kind == KeyKind::kSideOutput) {
      problem_ = "'" + value_.text + "' is not an output; write {topic: NAME}";
      for (std::string_view choice : choices) {
        problem_ += " or " + std::string(choice);
      }
    } else {
      problem_ = "'" + value_.text + "' is not one of: " + OneOf(choices) +
                 DidYouMean(value_.text, choices);
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
    problem_ = std::string("unknown ") + what + " '" + value_.text + "'";
    const std::string suggestion = DidYouMean(value_.text, names);
    problem_ += suggestion.empty() ? "; known: " + OneOf(names) : suggestion;
  }

  void ReadUnit() {
    if (FindUnit(value_.text) != nullptr) return;
    problem_ = "unknown unit '" + value_.text + "'" +
               DidYouMean(value_.text, UnitNames());
  }

  const JobKey& key_;
  KeyValue& value_;
  std::string problem_;
};

std::string Expected(KeyKind kind) {
  return kind == KeyKind::kTopics ? "a list, as in [vehicle.telemetry]"
                                  : "a single value";
}

std::optional<KeyValue> ReadTopics(const std::string& path,
                                   const YamlNode& node,
                                   Complaints& complaints) {
  KeyValue value;
  value.origin = node.origin;
  const size_t before = complaints.error_count();
  if (node.values.empty()) {
    complaints.Error(node.origin, path + ": the list is empty");
  }
  for (const YamlNode& topic : node.values) {
    if (!topic.is_scalar()) {
      complaints.Error(topic.origin, path + ": expected a topic name, found " +
                                         topic.KindName());
      continue;
    }
    if (const auto problem = CheckTopic(topic.text)) {
      complaints.Error(topic.origin, path + ": " + *problem);
    } else if (std::find(value.list.begin(), value.list.end(), topic.text) !=
               value.list.end()) {
      complaints.Error(topic.origin,
                       path + ": '" + topic.text + "' is listed twice");
    }
    value.list.push_back(topic.text);
  }
  if (complaints.error_count() != before) return std::nullopt;
  return value;
}

}  // namespace

std::optional<KeyValue> ReadKeyValue(const JobKey& key, const std::string& path,
                                     const YamlNode& node,
                                     Complaints& complaints) {
  const bool wants_list = key.kind == KeyKind::kTopics;
  if (wants_list ? !node.is_list() : !node.is_scalar()) {
    complaints.Error(node.origin, path + ": expected " + Expected(key.kind) +
                                      ", found " + node.KindName());
    return std::nullopt;
  }
  if (wants_list) return ReadTopics(path, node, complaints);

  KeyValue value;
  value.text = node.text;
  value.origin = node.origin;
  if (value.text.empty() || value.text.size() > kMaxTextBytes) {
    complaints.Error(node.origin,
                     path + (value.text.empty() ? ": the value is empty"
                                                : ": the value is too long"));
    return std::nullopt;
  }
  ScalarReader reader(key, value);
  reader.Read();
  if (reader.problem().empty()) return value;
  complaints.Error(node.origin, path + ": " + reader.problem());
  if (key.kind != KeyKind::kUnit) return std::nullopt;
  // Going on with the unit that was meant keeps one misspelling from making
  // every expression on the signal an error too.
  value.text = std::string(Nearest(value.text, UnitNames()));
  return value;
}

}  // namespace tacho
