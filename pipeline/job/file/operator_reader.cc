#include "pipeline/job/file/operator_reader.h"
#include "pipeline/base/duration.h"

#include <memory>
#include <string_view>
#include <utility>

#include "pipeline/base/suggestion.h"
#include "pipeline/job/scalars.h"

namespace tacho {
namespace {

std::vector<std::string_view> NamesOf(const std::vector<ParamDef>& defs) {
  std::vector<std::string_view> names;
  for (const ParamDef& def : defs) names.push_back(def.name);
  return names;
}

std::string ExpectedShape(const ParamDef& def) {
  switch (def.kind) {
    case ParamKind::kGroup:
      return "a map of " + JoinNames(NamesOf(def.children));
    case ParamKind::kChoice:
      return "a map with one of " + JoinNames(NamesOf(def.children));
    case ParamKind::kAggregates:
      return "a map, as in {speed_mean: mean(speed)}";
    case ParamKind::kExpressions:
      return "a map, as in {over: speed - 100 km/h}";
    case ParamKind::kNames:
      return "a list, as in [speed, odometer]";
    default:
      return "a single value";
  }
}

bool WantsMap(ParamKind kind) {
  return kind == ParamKind::kGroup || kind == ParamKind::kChoice ||
         kind == ParamKind::kAggregates || kind == ParamKind::kExpressions;
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

std::vector<OperatorConfig> OperatorReader::Read(
    const std::string& path, const YamlNode& list,
    std::optional<SignalSchema> columns) {
  std::vector<OperatorConfig> operators;
  if (!list.is_list()) {
    diagnostics_.Error(list.origin, path + ": expected a list, found " +
                                        list.KindName() +
                                        "; start every operator with '- '");
    return operators;
  }
  if (list.values.empty()) {
    diagnostics_.Error(list.origin, path + ": the list is empty");
    return operators;
  }
  const size_t before = diagnostics_.error_count();
  std::vector<Origin> origins;
  columns_ = std::move(columns);
  for (const YamlNode& node : list.values) {
    if (diagnostics_.full()) break;
    const size_t count = operators.size();
    ReadOne(node, operators);
    if (operators.size() != count) origins.push_back(node.keys[0].origin);
  }
  // With an operator missing, what comes last is not known.
  if (operators.size() == list.values.size()) CheckOrder(operators, origins);
  if (diagnostics_.error_count() != before) operators.clear();
  return operators;
}

void OperatorReader::ReadOne(const YamlNode& node,
                             std::vector<OperatorConfig>& out) {
  if (!node.is_map() || node.keys.empty()) {
    diagnostics_.Error(node.origin,
                       "an operator is a map with one key, its name, as in "
                       "'- filter: speed > 0'");
    return;
  }
  if (node.keys.size() > 1) {
    diagnostics_.Error(node.keys[1].origin,
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
    } else if (type.rows != RowKind::kNone) {
      columns_.reset();
    }
    out.push_back(std::move(config));
    return;
  }
  diagnostics_.Error(key.origin, "unknown operator '" + key.name + "'" +
                                     Suggest(key.name, names, '\''));
}

// The parameter that `name: VALUE` sets, if this is such a value.
const ParamDef* OperatorReader::ShorthandFor(const OperatorType& type,
                                             const YamlNode& node) {
  const ParamDef* const def = FindParam(type.params, type.shorthand);
  if (def == nullptr) return nullptr;
  const bool fits = def->kind == ParamKind::kNames
                        ? node.is_list() || node.is_scalar()
                        : node.is_scalar();
  return fits ? def : nullptr;
}

bool OperatorReader::ReadParams(const OperatorType& type, const YamlNode& node,
                                OperatorParams& params) {
  const std::string name(type.name);
  if (node.is_map()) {
    if (!ReadMap(type.params, name, node, params.values)) return false;
  } else if (const ParamDef* const def = ShorthandFor(type, node)) {
    ParamValue value;
    value.name = std::string(def->name);
    if (!ReadParamValue(*def, name, node, value)) return false;
    params.values.push_back(std::move(value));
  } else {
    diagnostics_.Error(node.origin, name + ": expected a map of " +
                                        JoinNames(NamesOf(type.params)) +
                                        "; found " + node.KindName());
    return false;
  }
  FillDefaults(type.params, Mark(node), params.values);
  return true;
}

bool OperatorReader::ReadMap(const std::vector<ParamDef>& defs,
                             const std::string& what, const YamlNode& node,
                             std::vector<ParamValue>& values) {
  const size_t before = diagnostics_.error_count();
  for (size_t i = 0; i < node.keys.size(); ++i) {
    ReadParam(defs, what, node, i, values);
  }
  for (const ParamDef& def : defs) {
    if (!def.required || node.Find(def.name) != nullptr) continue;
    diagnostics_.Error(node.origin, what + ": missing parameter '" +
                                        std::string(def.name) + "'");
  }
  return diagnostics_.error_count() == before;
}

void OperatorReader::ReadParam(const std::vector<ParamDef>& defs,
                               const std::string& what, const YamlNode& map,
                               size_t index, std::vector<ParamValue>& values) {
  const YamlKey& key = map.keys[index];
  const YamlNode& node = map.values[index];
  if (const ParamDef* const def = FindParam(defs, key.name)) {
    ParamValue value;
    value.name = key.name;
    if (ReadParamValue(*def, what + "." + key.name, node, value)) {
      values.push_back(std::move(value));
    }
    return;
  }
  std::string message = what + ": ";
  if (map.flow && node.is_null()) {
    message += "'" + key.name +
               "' has no value; inside { } a comma ends the value before it: "
               "put quotes around an expression that holds one";
  } else {
    message += "unknown parameter '" + key.name + "'" +
               Suggest(key.name, NamesOf(defs), '\'');
  }
  diagnostics_.Error(key.origin, message);
}

bool OperatorReader::ReadParamValue(const ParamDef& def,
                                    const std::string& what,
                                    const YamlNode& node, ParamValue& value) {
  value.mark = Mark(node);
  const bool wants_list = def.kind == ParamKind::kNames;
  const bool as_wanted = WantsMap(def.kind) ? node.is_map()
                         : wants_list       ? node.is_list()
                                            : node.is_scalar();
  if (!as_wanted) {
    diagnostics_.Error(node.origin, what + ": expected " + ExpectedShape(def) +
                                        ", found " + node.KindName());
    return false;
  }
  if (WantsMap(def.kind)) return ReadChildren(def, what, node, value);
  if (wants_list) return ReadItems(def, what, node, value);
  value.text = node.text;
  if (value.text.empty()) {
    diagnostics_.Error(node.origin, what + ": the value is empty");
    return false;
  }
  if (def.kind != ParamKind::kDuration) return true;
  const Result<Millis> duration = ParseDuration(value.text);
  if (duration.ok()) {
    value.duration = *duration;
  } else {
    diagnostics_.Error(node.origin, what + ": " + duration.status().message());
  }
  return duration.ok();
}

bool OperatorReader::ReadChildren(const ParamDef& def, const std::string& what,
                                  const YamlNode& node, ParamValue& value) {
  switch (def.kind) {
    case ParamKind::kGroup:
      return ReadMap(def.children, what, node, value.children);
    case ParamKind::kChoice:
      return ReadChoice(def, what, node, value);
    default:
      return ReadNamed(def, what, node, value);
  }
}

// A map of one key. A second one is an error at its place, known or not.
bool OperatorReader::ReadChoice(const ParamDef& def, const std::string& what,
                                const YamlNode& node, ParamValue& value) {
  if (node.keys.size() == 1) {
    return ReadMap(def.children, what, node, value.children);
  }
  const Origin& origin = node.keys.empty() ? node.origin : node.keys[1].origin;
  diagnostics_.Error(origin, what + ": expected " + ExpectedShape(def) +
                                 ", found " + std::to_string(node.keys.size()) +
                                 " keys");
  return false;
}

// A map of names that the job's author makes: texts.
bool OperatorReader::ReadNamed(const ParamDef& def, const std::string& what,
                               const YamlNode& node, ParamValue& value) {
  const size_t before = diagnostics_.error_count();
  if (node.keys.empty()) {
    diagnostics_.Error(node.origin, what + ": expected " + ExpectedShape(def));
    return false;
  }
  const ParamDef child_def = {"", ParamKind::kExpression, true, "", ""};
  for (size_t i = 0; i < node.keys.size(); ++i) {
    ParamValue child;
    child.name = node.keys[i].name;
    if (const auto problem = CheckIdentifier(child.name)) {
      diagnostics_.Error(node.keys[i].origin, what + ": " + *problem);
    }
    if (ReadParamValue(child_def, what + "." + child.name, node.values[i],
                       child)) {
      value.children.push_back(std::move(child));
    }
  }
  return diagnostics_.error_count() == before;
}

// The list under `signals`: a name each.
bool OperatorReader::ReadItems(const ParamDef& def, const std::string& what,
                               const YamlNode& node, ParamValue& value) {
  const size_t before = diagnostics_.error_count();
  if (node.values.empty()) {
    diagnostics_.Error(node.origin, what + ": expected " + ExpectedShape(def));
    return false;
  }
  const ParamDef item_def = {"", ParamKind::kText, true, "", ""};
  for (const YamlNode& item : node.values) {
    ParamValue child;
    if (ReadParamValue(item_def, what, item, child)) {
      value.children.push_back(std::move(child));
    }
  }
  return diagnostics_.error_count() == before;
}

void OperatorReader::CheckOrder(const std::vector<OperatorConfig>& operators,
                                const std::vector<Origin>& origins) {
  for (size_t i = 0; i + 1 < operators.size(); ++i) {
    if (operators[i].type->rows != RowKind::kOwn) continue;
    diagnostics_.Error(origins[i], "'" + std::string(operators[i].type->name) +
                                       "' emits, so it must be the last "
                                       "operator of its stream");
  }
  if (operators.back().type->rows != RowKind::kNone) return;
  std::string emitting;
  for (const OperatorType& type : types_) {
    if (type.rows == RowKind::kNone) continue;
    emitting += emitting.empty() ? "" : ", ";
    emitting += type.name;
  }
  diagnostics_.Error(
      origins.back(),
      "the last operator of a stream emits its results: " + emitting);
}

void OperatorReader::Make(const OperatorType& type,
                          const OperatorParams& params) {
  // What comes after an operator that could not be made reads nobody knows
  // what.
  if (!columns_.has_value()) return;
  std::vector<ParamError> errors;
  const std::unique_ptr<Operator> made =
      type.make(params, *columns_, settings_, errors);
  CHECK(made != nullptr || !errors.empty());
  for (const ParamError& error : errors) Report(error);
  if (made != nullptr) {
    columns_ = ColumnsAfter(*made, *columns_);
  } else if (type.rows != RowKind::kNone) {
    columns_.reset();
  }
}

// A parameter's error is at a character of its text; the file has quotes,
// escapes and indentation around that.
void OperatorReader::Report(const ParamError& error) {
  CHECK(error.mark >= 0 && static_cast<size_t>(error.mark) < marks_.size());
  const YamlNode& node = *marks_[static_cast<size_t>(error.mark)];
  if (node.byte == YamlNode::kNoByte) {
    diagnostics_.Error(node.origin, error.message);
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
  diagnostics_.Error(source_.OriginAt(at), std::move(message));
}

int OperatorReader::Mark(const YamlNode& node) {
  marks_.push_back(&node);
  return static_cast<int>(marks_.size()) - 1;
}

}  // namespace tacho
