#include "pipeline/job/print/job_schema.h"

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/topic_name.h"
#include "pipeline/job/file/job_keys.h"
#include "pipeline/job/scalars.h"

namespace tacho {
namespace {

// Keeps its keys in the order in which they came.
using Json = nlohmann::ordered_json;
using Names = std::vector<std::string_view>;

constexpr std::string_view kDurationPattern =
    "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$";
constexpr std::string_view kSizePattern = "^[0-9]+(B|kB|MB|GB|KiB|MiB|GiB)?$";
constexpr std::string_view kNamePattern = "^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$";
constexpr std::string_view kIdentifierPattern = "^[A-Za-z_][A-Za-z0-9_]{0,63}$";
constexpr std::string_view kPointerPattern = "^(/([^~]|~[01])*)+$";
constexpr std::string_view kVehiclePattern = "^(key|(/([^~]|~[01])*)+)$";
constexpr std::string_view kQuantityPattern =
    "^-?[0-9.]+([eE][-+]?[0-9]+)? *.*$";
constexpr std::string_view kTimePattern =
    "^([0-9]{10,16}|[0-9]{4}-[0-9]{2}-[0-9]{2}"
    "(T[0-9]{2}:[0-9]{2}:[0-9]{2}Z)?)$";

// A number of the key table, which has texts.
Json Number(std::string_view text) { return Json::parse(text); }

Json Enum(const Names& names) { return {{"enum", names}}; }

Json Text() { return {{"type", "string"}}; }

Json AnyScalar() {
  return {{"type", Json::array({"string", "number", "boolean"})}};
}

Json TextLike(std::string_view pattern) {
  return {{"type", "string"}, {"pattern", pattern}};
}

// A pattern says nothing about the types that are not strings.
Json TextOr(std::string_view type, std::string_view pattern) {
  return {{"type", Json::array({"string", type})}, {"pattern", pattern}};
}

Json Duration() {
  return {{"type", "string"}, {"minLength", 2}, {"pattern", kDurationPattern}};
}

Json Topics() {
  return {{"type", "array"},
          {"minItems", 1},
          {"uniqueItems", true},
          {"items", TextLike(kTopicPattern)}};
}

Json Texts() {
  const Json types = Json::array({"string", "number", "boolean", "null"});
  return {{"type", "array"}, {"minItems", 1}, {"items", {{"type", types}}}};
}

Json Units() {
  return {
      {"type", "array"}, {"uniqueItems", true}, {"items", Enum(UnitNames())}};
}

// A value, or {file: PATH} or {env: NAME}.
Json ClientProperty() {
  return {{"type", Json::array({"string", "number", "boolean", "object"})},
          {"properties", {{"file", Text()}, {"env", Text()}}},
          {"minProperties", 1},
          {"maxProperties", 1},
          {"additionalProperties", false}};
}

Json ClientProperties() {
  Json properties = Json::object();
  for (const KafkaPropertyRule& rule : KafkaPropertyRules()) {
    if (rule.policy == KafkaPolicy::kOwned ||
        rule.policy == KafkaPolicy::kRefused) {
      continue;
    }
    properties[std::string(rule.name)] = ClientProperty();
  }
  return {{"type", "object"},
          {"properties", std::move(properties)},
          {"additionalProperties", false}};
}

Json Value(const JobKey& key) {
  switch (key.kind) {
    case KeyKind::kClientProperties:
      return ClientProperties();
    case KeyKind::kChoice:
      return Enum(key.Choices());
    case KeyKind::kFormat:
      return Enum(TypeNames(FormatTypes()));
    case KeyKind::kFraming:
      return Enum(TypeNames(FramingTypes()));
    case KeyKind::kShape:
      return Enum(TypeNames(ShapeTypes()));
    case KeyKind::kEncoding:
      return Enum(RowEncodingNames());
    case KeyKind::kUnit:
      return Enum(UnitNames());
    case KeyKind::kUnits:
      return Units();
    case KeyKind::kSwitch:
      return {{"enum", Json::array({true, false, "on", "off"})}};
    case KeyKind::kCount:
      return {{"type", "integer"},
              {"minimum", Number(key.min)},
              {"maximum", Number(key.max)}};
    case KeyKind::kSize:
      return TextOr("integer", kSizePattern);
    case KeyKind::kDuration:
      return Duration();
    case KeyKind::kTime:
      return TextOr("integer", kTimePattern);
    case KeyKind::kQuantity:
      return TextOr("number", kQuantityPattern);
    case KeyKind::kName:
      return TextLike(kNamePattern);
    case KeyKind::kGroup:
      return {
          {"type", "string"}, {"minLength", 1}, {"maxLength", kMaxGroupBytes}};
    case KeyKind::kTopic:
      return TextLike(kTopicPattern);
    case KeyKind::kTopics:
      return Topics();
    case KeyKind::kTexts:
      return Texts();
    case KeyKind::kPointer:
      return TextLike(kPointerPattern);
    default:
      return AnyScalar();
  }
}

// The last part of a key's path, if it is one right below `section`; or "".
std::string_view NameIn(std::string_view section, std::string_view path) {
  if (!path.starts_with(section)) return "";
  path.remove_prefix(section.size());
  return path.find('.') == std::string_view::npos ? path : "";
}

Names RequiredOf(const ShapeType& shape, std::string_view section) {
  Names names;
  for (const ShapeKey& key : shape.keys) {
    const std::string_view name = NameIn(section, key.path);
    if (key.required && !name.empty()) names.push_back(name);
  }
  return names;
}

// Keys that other shapes have and this one has not: nothing fits them.
Json KeysOfOthers(const ShapeType& shape, std::string_view section) {
  Json refused = Json::object();
  for (const JobKey& key : JobKeys()) {
    const std::string_view name = NameIn(section, key.path);
    if (name.empty() || !IsShapeKey(key)) continue;
    if (shape.FindKey(key.path) != nullptr) continue;
    refused[std::string(name)] = {{"not", Json::object()}};
  }
  return refused;
}

// What a shape requires of `input` and its signals, and what they have not.
Json ShapeKeys(const ShapeType& shape) {
  constexpr std::string_view kSignal = "input.signals.*.";
  const Json signal = {{"required", RequiredOf(shape, kSignal)},
                       {"properties", KeysOfOthers(shape, kSignal)}};
  Json properties = KeysOfOthers(shape, "input.");
  properties["signals"] = {{"additionalProperties", signal}};
  return {{"required", RequiredOf(shape, "input.")},
          {"properties", std::move(properties)}};
}

// An input that names one of these shapes, by the key or by its alias.
Json NamesShape(const Names& names) {
  Json any = Json::array();
  for (const char* const key : {"shape", "decoder"}) {
    any.push_back({{"required", Json::array({key})},
                   {"properties", {{key, Enum(names)}}}});
  }
  return {{"anyOf", std::move(any)}};
}

// An input that names no shape has the first.
Json ShapeRules() {
  Names others = TypeNames(ShapeTypes());
  others.erase(others.begin());
  Json rules = Json::array();
  for (const ShapeType* shape : ShapeTypes()) {
    rules.push_back(
        {{"if", shape == DefaultShape() ? Json{{"not", NamesShape(others)}}
                                        : NamesShape({shape->name})},
         {"then", ShapeKeys(*shape)}});
  }
  return rules;
}

// A map of parameters.
Json Params(const std::vector<ParamDef>& defs);

Json Param(const ParamDef& def) {
  switch (def.kind) {
    case ParamKind::kDuration:
      return Duration();
    case ParamKind::kGroup:
      return Params(def.children);
    case ParamKind::kChoice: {
      Json one = {{"minProperties", 1}, {"maxProperties", 1}};
      one.update(Params(def.children));
      return one;
    }
    case ParamKind::kNames:
      return {{"type", "array"},
              {"minItems", 1},
              {"uniqueItems", true},
              {"items", Text()}};
    case ParamKind::kAggregates:
    case ParamKind::kExpressions:
      return {{"type", "object"},
              {"minProperties", 1},
              {"additionalProperties", Text()}};
    default:
      return AnyScalar();
  }
}

Json Params(const std::vector<ParamDef>& defs) {
  Json properties = Json::object();
  Names required;
  for (const ParamDef& def : defs) {
    Json& param = properties[std::string(def.name)];
    param["description"] = def.help;
    if (!def.default_text.empty()) param["default"] = def.default_text;
    param.update(Param(def));
    if (def.required) required.push_back(def.name);
  }
  Json params = {{"type", "object"}, {"properties", std::move(properties)}};
  if (!required.empty()) params["required"] = required;
  params["additionalProperties"] = false;
  return params;
}

Json Operators(const std::vector<OperatorType>& types) {
  Json properties = Json::object();
  for (const OperatorType& type : types) {
    Json& one = properties[std::string(type.name)];
    one["description"] = type.help;
    if (type.shorthand.empty()) {
      one.update(Params(type.params));
    } else {
      one["oneOf"] =
          Json::array({Param(*FindParam(type.params, type.shorthand)),
                       Params(type.params)});
    }
  }
  return {{"type", "array"},
          {"minItems", 1},
          {"items",
           {{"type", "object"},
            {"minProperties", 1},
            {"maxProperties", 1},
            {"properties", std::move(properties)},
            {"additionalProperties", false}}}};
}

// The sections of the key table, and the keys in them.
class Sections {
 public:
  explicit Sections(const std::vector<OperatorType>& operators)
      : operators_(operators) {}

  Json Section(const KeyNode& node) const {
    Json section = {{"type", "object"}};
    if (const KeyNode* any = node.wildcard()) {
      if (node.key->required) section["minProperties"] = 1;
      section["propertyNames"] = {{"pattern", kIdentifierPattern}};
      section["additionalProperties"] = Key(*any);
      return section;
    }
    Json& properties = section["properties"] = Json::object();
    Names required;
    for (const KeyNode& child : node.children) {
      properties[std::string(child.segment)] = Key(child);
      if (child.key->required) required.push_back(child.segment);
    }
    if (!required.empty()) section["required"] = required;
    if (node.key != nullptr && node.key->path == "input") {
      section["allOf"] = ShapeRules();
    }
    section["additionalProperties"] = false;
    return section;
  }

 private:
  Json Key(const KeyNode& node) const {
    const JobKey& key = *node.key;
    Json schema = Json::object();
    if (!key.help.empty()) schema["description"] = key.help;
    if (!key.default_text.empty()) {
      schema["default"] = key.kind == KeyKind::kCount ? Number(key.default_text)
                                                      : Json(key.default_text);
    }
    schema.update(KeyValues(node));
    return schema;
  }

  Json KeyValues(const KeyNode& node) const {
    switch (node.key->kind) {
      case KeyKind::kSection:
        return Section(node);
      case KeyKind::kSideOutput:
        return OneOf(Enum(node.key->Choices()), Section(node));
      case KeyKind::kVehicle:
        return OneOf(TextLike(kVehiclePattern), Section(node));
      case KeyKind::kOperators:
        return Operators(operators_);
      default:
        return Value(*node.key);
    }
  }

  static Json OneOf(Json one, Json other) {
    return {{"oneOf", Json::array({std::move(one), std::move(other)})}};
  }

  const std::vector<OperatorType>& operators_;
};

}  // namespace

std::string JobSchemaJson(const std::vector<OperatorType>& operators) {
  Json schema = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
                 {"title", "tacho job"}};
  schema.update(Sections(operators).Section(JobKeyTree()));
  return schema.dump(2) + "\n";
}

}  // namespace tacho
