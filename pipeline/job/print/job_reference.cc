#include "pipeline/job/print/job_reference.h"

#include <string>
#include <string_view>
#include <vector>

#include "pipeline/job/file/job_keys.h"

namespace tacho {
namespace {

// "a|b" in a table cell: a bar would end the cell.
std::string Cell(std::string_view text) {
  std::string cell;
  for (char c : text) {
    if (c == '|') cell += '\\';
    cell += c;
  }
  return cell;
}

std::string Code(std::string_view text) {
  return text.empty() ? "" : "`" + Cell(text) + "`";
}

// "`wide`: one object ...; `datums`: ...", of a table of the decoder.
template <typename Type>
std::string NameList(const std::vector<const Type*>& types) {
  std::string list;
  for (const Type* type : types) {
    if (!list.empty()) list += "; ";
    list += Code(type->name) + ": " + Cell(type->help);
  }
  return list;
}

std::string ValueText(const JobKey& key) {
  switch (key.kind) {
    case KeyKind::kSection:
    case KeyKind::kClientProperties:
      return "map";
    case KeyKind::kSideOutput:
      return "map, " + Code(key.choices);
    case KeyKind::kChoice:
      return Code(key.choices);
    case KeyKind::kSwitch:
      return "`on`, `off`";
    case KeyKind::kCount:
    case KeyKind::kSize:
    case KeyKind::kDuration:
      return std::string(key.min) + " to " + std::string(key.max);
    case KeyKind::kOperators:
      return "list of operators";
    case KeyKind::kTopics:
      return "list of topics";
    case KeyKind::kTexts:
      return "list of values";
    case KeyKind::kUnits:
      return "list of units";
    case KeyKind::kTime:
      return "time";
    case KeyKind::kPointer:
      return "JSON pointer";
    case KeyKind::kVehicle:
      return "JSON pointer, `key`, map";
    case KeyKind::kFormat:
      return NameList(FormatTypes());
    case KeyKind::kFraming:
      return NameList(FramingTypes());
    case KeyKind::kShape:
      return NameList(ShapeTypes());
    case KeyKind::kUnit:
      return "unit";
    case KeyKind::kQuantity:
      return "quantity";
    default:
      return "text";
  }
}

// "required with `datums`", of a key that not every shape has.
std::string ShapesText(const JobKey& key) {
  std::string text;
  for (const bool required : {true, false}) {
    std::string names;
    for (const ShapeType* shape : ShapeTypes()) {
      const ShapeKey* const mine = shape->FindKey(key.path);
      if (mine == nullptr || mine->required != required) continue;
      names += (names.empty() ? "" : ", ") + Code(shape->name);
    }
    if (names.empty()) continue;
    if (!text.empty()) text += "; ";
    text += (required ? "required with " : "with ") + names;
  }
  return text;
}

std::string DefaultCell(const JobKey& key) {
  if (key.required) return "required";
  return IsShapeKey(key) ? ShapesText(key) : Code(key.default_text);
}

std::string KeyRow(const JobKey& key) {
  return "| " + Code(key.path) + " | " + ValueText(key) + " | " +
         DefaultCell(key) + " | " + Cell(key.help) + " |\n";
}

// A parameter, then what is in it: window, window.hopping, window.hopping.size.
std::string ParamRows(const std::vector<ParamDef>& defs,
                      const std::string& parent) {
  std::string text;
  for (const ParamDef& def : defs) {
    const std::string name = parent + std::string(def.name);
    text += "| " + Code(name) + " | " +
            (def.required ? "required" : Code(def.default_text)) + " | " +
            Cell(def.help) + " |\n";
    text += ParamRows(def.children, name + ".");
  }
  return text;
}

std::string OperatorSection(const OperatorType& type) {
  std::string text = "\n### " + std::string(type.name) + "\n\n" +
                     std::string(type.help) + "\n\n";
  if (!type.shorthand.empty()) {
    text += "`" + std::string(type.name) + ": VALUE` sets `" +
            std::string(type.shorthand) + "`.\n\n";
  }
  text += "| parameter | default | what it is |\n| --- | --- | --- |\n";
  return text + ParamRows(type.params, "");
}

std::string ClientPropertyRow(const KafkaPropertyRule& rule) {
  std::string_view policy = "passed on";
  if (rule.policy == KafkaPolicy::kSecret) {
    policy = "passed on; write `{file: PATH}` or `{env: NAME}`";
  } else if (rule.policy == KafkaPolicy::kOwned) {
    policy = "tacho's own: ";
  } else if (rule.policy == KafkaPolicy::kRefused) {
    policy = "refused: ";
  }
  return "| " + Code(rule.name) + " | " + std::string(policy) +
         Cell(rule.remedy) + " |\n";
}

}  // namespace

std::string JobReferenceMarkdown(const std::vector<OperatorType>& operators) {
  std::string text =
      "# Job file reference\n\n"
      "Made by `tacho schema --markdown`. `*` stands for a name of yours.\n"
      "Durations: `200ms`, `10s`, `1h30m`, `7d`. Sizes: `64MiB` is 64 x 2^20 "
      "bytes, `64MB` is 64 x 10^6.\n\n## Keys\n\n"
      "| key | value | default | what it is |\n| --- | --- | --- | --- |\n";
  for (const JobKey& key : JobKeys()) text += KeyRow(key);
  text += "\n## Operators\n";
  for (const OperatorType& type : operators) text += OperatorSection(type);
  text +=
      "\n## Client properties under `kafka`\n\n"
      "| property | what tacho does with it |\n| --- | --- |\n";
  for (const KafkaPropertyRule& rule : KafkaPropertyRules()) {
    text += ClientPropertyRow(rule);
  }
  return text;
}

}  // namespace tacho
