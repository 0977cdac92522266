#include "pipeline/job/operator_reader.h"

#include <memory>
#include <string_view>
#include <utility>

#include "pipeline/job/scalars.h"
#include "pipeline/job/suggestion.h"

namespace tacho {
namespace {

std::string ParamList(const OperatorType& type) {
  std::string text;
  for (const ParamDef& def : type.params) {
    text += text.empty() ? "" : ", ";
    text += def.name;
  }
  return text;
}

const ParamDef* FindParam(const OperatorType& type, std::string_view name) {
  for (const ParamDef& def : type.params) {
    if (def.name == name) return &def;
  }
  return nullptr;
}

const char* ExpectedShape(ParamKind kind) {
  switch (kind) {
    case ParamKind::kWindow:
      return "a map, as in {tumbling: 1m}";
    case ParamKind::kAggregates:
      return "a map, as in {speed_mean: mean(speed)}";
    default:
      return "a single value";
  }
}

size_t ByteOfCharacter(std::string_view text, size_t character) {
  size_t byte = 0;
  while (byte < text.size() && character > 0) {
    ++byte;
    while (byte < text.size() && (text[byte] & 0xC0) == 0x80) ++byte;
    --character;
  }
  return byte;
}

}  // namespace

std::vector<OperatorConfig> OperatorReader::Read(const std::string& path,
                                                 const YamlNode& list) {
  std::vector<OperatorConfig> operators;
  if (!list.is_list()) {
    complaints_.Error(list.origin, path + ": expected a list, found " +
                                       list.KindName() +
                                       "; start every operator with '- '");
    return operators;
  }
  if (list.values.empty()) {
    complaints_.Error(list.origin, path + ": the list is empty");
    return operators;
  }
  const size_t before = complaints_.error_count();
  std::vector<Origin> origins;
  for (const YamlNode& node : list.values) {
    const size_t count = operators.size();
    ReadOne(node, operators);
    if (operators.size() != count) origins.push_back(node.keys[0].origin);
  }
  // With an operator missing, what comes last is not known.
  if (operators.size() == list.values.size()) CheckOrder(operators, origins);
  if (complaints_.error_count() != before) operators.clear();
  return operators;
}

void OperatorReader::ReadOne(const YamlNode& node,
                             std::vector<OperatorConfig>& out) {
  if (!node.is_map() || node.keys.empty()) {
    complaints_.Error(node.origin,
                      "an operator is a map with one key, its name, as in "
                      "'- filter: speed > 0'");
    return;
  }
  if (node.keys.size() > 1) {
    complaints_.Error(node.keys[1].origin,
                      "one operator each: start '" + node.keys[1].name +
                          "' with '- ', or indent it if it belongs to '" +
                          node.keys[0].name + "'");
    return;
  }
  const YamlKey& key = node.keys[0];
  std::vector<std::string_view> names;
  for (const OperatorType& type : types_) {
    names.push_back(type.name);
    if (type.name != key.name) continue;
    OperatorConfig config;
    config.type = &type;
    config.params.mark = Mark(node.values[0]);
    if (ReadParams(type, node.values[0], config.params)) {
      Make(type, config.params);
    }
    out.push_back(std::move(config));
    return;
  }
  complaints_.Error(key.origin, "unknown operator '" + key.name + "'" +
                                    DidYouMean(key.name, names));
}

bool OperatorReader::ReadParams(const OperatorType& type, const YamlNode& node,
                                OperatorParams& params) {
  const size_t before = complaints_.error_count();
  const std::string name(type.name);
  if (node.is_map()) {
    for (size_t i = 0; i < node.keys.size(); ++i) {
      ReadParam(type, node.keys[i], node.values[i], node.flow, params);
    }
    for (const ParamDef& def : type.params) {
      if (!def.required || node.Find(def.name) != nullptr) continue;
      complaints_.Error(node.origin, name + ": missing parameter '" +
                                         std::string(def.name) + "'");
    }
  } else if (node.is_scalar() && !type.shorthand.empty()) {
    const ParamDef* def = FindParam(type, type.shorthand);
    CHECK(def != nullptr);
    ParamValue value;
    value.name = std::string(def->name);
    if (ReadParamValue(*def, name, node, value)) {
      params.values.push_back(std::move(value));
    }
  } else {
    complaints_.Error(node.origin, name + ": expected a map of " +
                                       ParamList(type) + "; found " +
                                       node.KindName());
  }
  return complaints_.error_count() == before;
}

void OperatorReader::ReadParam(const OperatorType& type, const YamlKey& key,
                               const YamlNode& node, bool in_flow_map,
                               OperatorParams& params) {
  const ParamDef* def = FindParam(type, key.name);
  if (def != nullptr) {
    ParamValue value;
    value.name = key.name;
    const std::string what = std::string(type.name) + "." + key.name;
    if (ReadParamValue(*def, what, node, value)) {
      params.values.push_back(std::move(value));
    }
    return;
  }
  std::string message = std::string(type.name) + ": ";
  if (in_flow_map && node.is_null()) {
    message += "'" + key.name +
               "' has no value; inside { } a comma ends the value before it: "
               "put quotes around an expression that holds one";
  } else {
    std::vector<std::string_view> names;
    for (const ParamDef& known : type.params) names.push_back(known.name);
    const std::string suggestion = DidYouMean(key.name, names);
    message +=
        "unknown parameter '" + key.name + "'" +
        (suggestion.empty() ? "; known: " + ParamList(type) : suggestion);
  }
  complaints_.Error(key.origin, message);
}

bool OperatorReader::ReadParamValue(const ParamDef& def,
                                    const std::string& what,
                                    const YamlNode& node, ParamValue& value) {
  value.mark = Mark(node);
  const bool wants_map =
      def.kind == ParamKind::kWindow || def.kind == ParamKind::kAggregates;
  if (wants_map ? !node.is_map() : !node.is_scalar()) {
    complaints_.Error(node.origin, what + ": expected " +
                                       ExpectedShape(def.kind) + ", found " +
                                       node.KindName());
    return false;
  }
  if (wants_map) return ReadChildren(def, what, node, value);
  value.text = node.text;
  if (value.text.empty()) {
    complaints_.Error(node.origin, what + ": the value is empty");
    return false;
  }
  if (def.kind != ParamKind::kDuration) return true;
  const Result<Millis> duration = ParseDuration(value.text);
  if (duration.ok()) {
    value.duration = *duration;
  } else {
    complaints_.Error(node.origin, what + ": " + duration.status().message());
  }
  return duration.ok();
}

// The maps under `window` and `aggregates`. A window's one value is a duration.
bool OperatorReader::ReadChildren(const ParamDef& def, const std::string& what,
                                  const YamlNode& node, ParamValue& value) {
  const size_t before = complaints_.error_count();
  const bool is_window = def.kind == ParamKind::kWindow;
  if (node.keys.empty() || (is_window && node.keys.size() > 1)) {
    complaints_.Error(node.origin,
                      what + ": expected " + ExpectedShape(def.kind));
    return false;
  }
  const ParamDef child_def = {
      "", is_window ? ParamKind::kDuration : ParamKind::kExpression, true, "",
      ""};
  for (size_t i = 0; i < node.keys.size(); ++i) {
    ParamValue child;
    child.name = node.keys[i].name;
    if (!is_window) {
      if (const auto problem = CheckIdentifier(child.name)) {
        complaints_.Error(node.keys[i].origin, what + ": " + *problem);
      }
    }
    if (ReadParamValue(child_def, what + "." + child.name, node.values[i],
                       child)) {
      value.children.push_back(std::move(child));
    }
  }
  return complaints_.error_count() == before;
}

void OperatorReader::CheckOrder(const std::vector<OperatorConfig>& operators,
                                const std::vector<Origin>& origins) {
  for (size_t i = 0; i + 1 < operators.size(); ++i) {
    if (!operators[i].type->emits) continue;
    complaints_.Error(origins[i], "'" + std::string(operators[i].type->name) +
                                      "' emits, so it must be the last "
                                      "operator of its stream");
  }
  if (operators.back().type->emits) return;
  std::string emitting;
  for (const OperatorType& type : types_) {
    if (!type.emits) continue;
    emitting += emitting.empty() ? "" : ", ";
    emitting += type.name;
  }
  complaints_.Error(
      origins.back(),
      "the last operator of a stream emits its results: " + emitting);
}

void OperatorReader::Make(const OperatorType& type,
                          const OperatorParams& params) {
  std::vector<ParamError> errors;
  const std::unique_ptr<Operator> made =
      type.make(params, schema_, settings_, errors);
  CHECK(made != nullptr || !errors.empty());
  for (const ParamError& error : errors) Report(error);
}

// A parameter's error is at a character of its text; the file has quotes,
// escapes and indentation around that.
void OperatorReader::Report(const ParamError& error) {
  CHECK(error.mark >= 0 && static_cast<size_t>(error.mark) < marks_.size());
  const YamlNode& node = *marks_[static_cast<size_t>(error.mark)];
  if (node.byte == YamlNode::kNoByte) {
    complaints_.Error(node.origin, error.message);
    return;
  }
  const std::string& text = node.text;
  const size_t at =
      source_.Locate(node.byte, text, ByteOfCharacter(text, error.offset));
  const size_t end = source_.Locate(node.byte, text, text.size());
  std::string message = error.message;
  // What looks like the end of an expression may be the start of a comment.
  const std::string_view rest = source_.text().substr(end);
  if (rest.substr(0, rest.find('\n')).find(" #") == 0) {
    message +=
        "; the text from '#' on is a YAML comment: put quotes around "
        "the whole expression";
  }
  complaints_.Error(source_.OriginAt(at), std::move(message));
}

int OperatorReader::Mark(const YamlNode& node) {
  marks_.push_back(&node);
  return static_cast<int>(marks_.size()) - 1;
}

}  // namespace tacho
