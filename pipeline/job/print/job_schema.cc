#include "pipeline/job/print/job_schema.h"

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/topic_name.h"
#include "pipeline/job/file/job_keys.h"
#include "pipeline/job/print/json_text.h"
#include "pipeline/job/print/shape_schema.h"
#include "pipeline/job/scalars.h"

namespace tacho {
namespace {

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

// Writes the schema of the key table, one function a shape.
class SchemaWriter {
 public:
  explicit SchemaWriter(const std::vector<OperatorType>& operators)
      : operators_(operators) {}

  std::string Write() {
    json_.OpenObject();
    json_.Field("$schema", "https://json-schema.org/draft/2020-12/schema");
    json_.Field("title", "tacho job");
    WriteSection(JobKeyTree());
    json_.CloseObject();
    return json_.text() + "\n";
  }

 private:
  void WriteKey(const KeyNode& node) {
    json_.OpenObject();
    if (!node.key->help.empty()) json_.Field("description", node.key->help);
    WriteDefault(*node.key);
    switch (node.key->kind) {
      case KeyKind::kSection:
        WriteSection(node);
        break;
      case KeyKind::kSideOutput:
        WriteSideOutput(node);
        break;
      case KeyKind::kVehicle:
        WriteVehicle(node);
        break;
      case KeyKind::kClientProperties:
        WriteClientProperties();
        break;
      case KeyKind::kOperators:
        WriteOperators();
        break;
      default:
        WriteValue(*node.key);
    }
    json_.CloseObject();
  }

  void WriteDefault(const JobKey& key) {
    if (key.default_text.empty()) return;
    if (key.kind == KeyKind::kCount) {
      json_.RawField("default", key.default_text);
    } else {
      json_.Field("default", key.default_text);
    }
  }

  void WriteSection(const KeyNode& node) {
    json_.Field("type", "object");
    if (const KeyNode* any = node.wildcard()) {
      if (node.key->required) json_.RawField("minProperties", "1");
      json_.Key("propertyNames");
      json_.OpenObject();
      json_.Field("pattern", kIdentifierPattern);
      json_.CloseObject();
      json_.Key("additionalProperties");
      return WriteKey(*any);
    }
    json_.Key("properties");
    json_.OpenObject();
    std::vector<std::string_view> required;
    for (const KeyNode& child : node.children) {
      json_.Key(child.segment);
      WriteKey(child);
      if (child.key->required) required.push_back(child.segment);
    }
    json_.CloseObject();
    if (!required.empty()) json_.ListField("required", required);
    if (node.key != nullptr && node.key->path == "input")
      WriteShapeRules(json_);
    json_.RawField("additionalProperties", "false");
  }

  void WriteSideOutput(const KeyNode& node) {
    json_.Key("oneOf");
    json_.OpenArray();
    json_.OpenObject();
    json_.ListField("enum", node.key->Choices());
    json_.CloseObject();
    json_.OpenObject();
    WriteSection(node);
    json_.CloseObject();
    json_.CloseArray();
  }

  void WriteVehicle(const KeyNode& node) {
    json_.Key("oneOf");
    json_.OpenArray();
    json_.OpenObject();
    WriteTyped({"string"}, kVehiclePattern);
    json_.CloseObject();
    json_.OpenObject();
    WriteSection(node);
    json_.CloseObject();
    json_.CloseArray();
  }

  void WriteValue(const JobKey& key) {
    switch (key.kind) {
      case KeyKind::kChoice:
        return json_.ListField("enum", key.Choices());
      case KeyKind::kFormat:
        return json_.ListField("enum", TypeNames(FormatTypes()));
      case KeyKind::kFraming:
        return json_.ListField("enum", TypeNames(FramingTypes()));
      case KeyKind::kShape:
        return json_.ListField("enum", TypeNames(ShapeTypes()));
      case KeyKind::kEncoding:
        return json_.ListField("enum", RowEncodingNames());
      case KeyKind::kUnit:
        return json_.ListField("enum", UnitNames());
      case KeyKind::kUnits:
        return WriteUnits();
      case KeyKind::kSwitch:
        return WriteSwitch();
      case KeyKind::kCount:
        json_.Field("type", "integer");
        json_.RawField("minimum", key.min);
        return json_.RawField("maximum", key.max);
      case KeyKind::kSize:
        return WriteTyped({"string", "integer"}, kSizePattern);
      case KeyKind::kDuration:
        return WriteDuration();
      case KeyKind::kTime:
        return WriteTyped({"string", "integer"}, kTimePattern);
      case KeyKind::kQuantity:
        return WriteTyped({"string", "number"}, kQuantityPattern);
      case KeyKind::kName:
        return WriteTyped({"string"}, kNamePattern);
      case KeyKind::kGroup:
        json_.Field("type", "string");
        json_.RawField("minLength", "1");
        return json_.RawField("maxLength", std::to_string(kMaxGroupBytes));
      case KeyKind::kTopic:
        return WriteTyped({"string"}, kTopicPattern);
      case KeyKind::kTopics:
        return WriteTopics();
      case KeyKind::kTexts:
        return WriteTexts();
      case KeyKind::kPointer:
        return WriteTyped({"string"}, kPointerPattern);
      default:
        json_.ListField("type", {"string", "number", "boolean"});
    }
  }

  // A pattern says nothing about the types that are not strings.
  void WriteTyped(const std::vector<std::string_view>& types,
                  std::string_view pattern) {
    if (types.size() == 1) {
      json_.Field("type", types[0]);
    } else {
      json_.ListField("type", types);
    }
    json_.Field("pattern", pattern);
  }

  void WriteDuration() {
    json_.Field("type", "string");
    json_.RawField("minLength", "2");
    json_.Field("pattern", kDurationPattern);
  }

  void WriteSwitch() {
    json_.Key("enum");
    json_.OpenArray();
    json_.Raw("true");
    json_.Raw("false");
    json_.String("on");
    json_.String("off");
    json_.CloseArray();
  }

  void WriteTopics() {
    json_.Field("type", "array");
    json_.RawField("minItems", "1");
    json_.RawField("uniqueItems", "true");
    json_.Key("items");
    json_.OpenObject();
    WriteTyped({"string"}, kTopicPattern);
    json_.CloseObject();
  }

  void WriteTexts() {
    json_.Field("type", "array");
    json_.RawField("minItems", "1");
    json_.Key("items");
    json_.OpenObject();
    json_.ListField("type", {"string", "number", "boolean", "null"});
    json_.CloseObject();
  }

  void WriteUnits() {
    json_.Field("type", "array");
    json_.RawField("uniqueItems", "true");
    json_.Key("items");
    json_.OpenObject();
    json_.ListField("enum", UnitNames());
    json_.CloseObject();
  }

  void WriteClientProperties() {
    json_.Field("type", "object");
    json_.Key("properties");
    json_.OpenObject();
    for (const KafkaPropertyRule& rule : KafkaPropertyRules()) {
      if (rule.policy == KafkaPolicy::kOwned ||
          rule.policy == KafkaPolicy::kRefused) {
        continue;
      }
      json_.Key(rule.name);
      WriteClientProperty();
    }
    json_.CloseObject();
    json_.RawField("additionalProperties", "false");
  }

  void WriteClientProperty() {
    json_.OpenObject();
    json_.ListField("type", {"string", "number", "boolean", "object"});
    json_.Key("properties");
    json_.OpenObject();
    for (std::string_view source : {"file", "env"}) {
      json_.Key(source);
      json_.OpenObject();
      json_.Field("type", "string");
      json_.CloseObject();
    }
    json_.CloseObject();
    json_.RawField("minProperties", "1");
    json_.RawField("maxProperties", "1");
    json_.RawField("additionalProperties", "false");
    json_.CloseObject();
  }

  void WriteOperators() {
    json_.Field("type", "array");
    json_.RawField("minItems", "1");
    json_.Key("items");
    json_.OpenObject();
    json_.Field("type", "object");
    json_.RawField("minProperties", "1");
    json_.RawField("maxProperties", "1");
    json_.Key("properties");
    json_.OpenObject();
    for (const OperatorType& type : operators_) {
      json_.Key(type.name);
      WriteOperator(type);
    }
    json_.CloseObject();
    json_.RawField("additionalProperties", "false");
    json_.CloseObject();
  }

  void WriteOperator(const OperatorType& type) {
    json_.OpenObject();
    json_.Field("description", type.help);
    if (type.shorthand.empty()) {
      WriteParams(type.params);
    } else {
      json_.Key("oneOf");
      json_.OpenArray();
      json_.OpenObject();
      WriteParamType(*FindParam(type.params, type.shorthand));
      json_.CloseObject();
      json_.OpenObject();
      WriteParams(type.params);
      json_.CloseObject();
      json_.CloseArray();
    }
    json_.CloseObject();
  }

  void WriteParams(const std::vector<ParamDef>& defs) {
    std::vector<std::string_view> required;
    json_.Field("type", "object");
    json_.Key("properties");
    json_.OpenObject();
    for (const ParamDef& def : defs) {
      json_.Key(def.name);
      WriteParam(def);
      if (def.required) required.push_back(def.name);
    }
    json_.CloseObject();
    if (!required.empty()) json_.ListField("required", required);
    json_.RawField("additionalProperties", "false");
  }

  void WriteParam(const ParamDef& def) {
    json_.OpenObject();
    json_.Field("description", def.help);
    if (!def.default_text.empty()) json_.Field("default", def.default_text);
    WriteParamType(def);
    json_.CloseObject();
  }

  void WriteParamType(const ParamDef& def) {
    switch (def.kind) {
      case ParamKind::kDuration:
        return WriteDuration();
      case ParamKind::kGroup:
        return WriteParams(def.children);
      case ParamKind::kChoice:
        json_.RawField("minProperties", "1");
        json_.RawField("maxProperties", "1");
        return WriteParams(def.children);
      case ParamKind::kNames:
        json_.Field("type", "array");
        json_.RawField("minItems", "1");
        json_.RawField("uniqueItems", "true");
        json_.Key("items");
        json_.OpenObject();
        json_.Field("type", "string");
        return json_.CloseObject();
      case ParamKind::kAggregates:
      case ParamKind::kExpressions:
        json_.Field("type", "object");
        json_.RawField("minProperties", "1");
        json_.Key("additionalProperties");
        json_.OpenObject();
        json_.Field("type", "string");
        return json_.CloseObject();
      default:
        json_.ListField("type", {"string", "number", "boolean"});
    }
  }

  const std::vector<OperatorType>& operators_;
  JsonText json_;
};

}  // namespace

std::string JobSchemaJson(const std::vector<OperatorType>& operators) {
  return SchemaWriter(operators).Write();
}

}  // namespace tacho
