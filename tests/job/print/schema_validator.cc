#include "tests/job/print/schema_validator.h"

#include <regex.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

namespace tacho {
namespace {

using nlohmann::json;

// Whether some part of `text` matches. POSIX, whose extended syntax has all
// that our patterns use: std::regex does not compile under gcc's sanitizers
// with warnings as errors.
bool Matches(const std::string& text, const std::string& pattern) {
  regex_t regex;
  if (regcomp(&regex, pattern.c_str(), REG_EXTENDED | REG_NOSUB) != 0) {
    return false;
  }
  const bool matches = regexec(&regex, text.c_str(), 0, nullptr, 0) == 0;
  regfree(&regex);
  return matches;
}

// A scalar as YAML 1.2's core schema types it.
json ScalarValue(const YamlNode& node) {
  if (node.text == "true") return true;
  if (node.text == "false") return false;
  if (Matches(node.text, "^[-+]?[0-9]+$")) return std::stoll(node.text);
  if (Matches(node.text,
              "^[-+]?([.][0-9]+|[0-9]+([.][0-9]*)?)([eE][-+]?[0-9]+)?$")) {
    return std::stod(node.text);
  }
  return node.text;
}

bool HasType(const json& value, const std::string& type) {
  if (type == "string") return value.is_string();
  if (type == "boolean") return value.is_boolean();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "object") return value.is_object();
  return type == "array" && value.is_array();
}

json ToJson(const YamlNode& node) {
  if (node.is_scalar()) return ScalarValue(node);
  json value;
  if (node.is_list()) {
    value = json::array();
    for (const YamlNode& child : node.values) value.push_back(ToJson(child));
  } else if (node.is_map()) {
    value = json::object();
    for (size_t i = 0; i < node.keys.size(); ++i) {
      value[node.keys[i].name] = ToJson(node.values[i]);
    }
  }
  return value;
}

class Judge {
 public:
  std::string text;

  void Apply(const json& schema, const json& value, const std::string& path) {
    for (const auto& [keyword, rule] : schema.items()) {
      if (!Holds(keyword, rule, schema, value, path)) {
        text += path + ": " + keyword + " " + rule.dump().substr(0, 60) + "\n";
      }
    }
  }

 private:
  bool Holds(const std::string& keyword, const json& rule, const json& schema,
             const json& value, const std::string& path) {
    static const std::set<std::string> notes = {"$schema", "title",
                                                "description", "default"};
    if (notes.count(keyword) != 0) return true;
    if (keyword == "type") return IsOneOf(rule, value);
    if (keyword == "enum") {
      return std::find(rule.begin(), rule.end(), value) != rule.end();
    }
    if (keyword == "oneOf") return ExactlyOne(rule, value, path);
    if (keyword == "not") return !IsValid(rule, value);
    if (keyword == "anyOf") {
      return std::any_of(rule.begin(), rule.end(),
                         [&](const json& any) { return IsValid(any, value); });
    }
    if (keyword == "allOf") {
      for (const json& all : rule) Apply(all, value, path);
      return true;
    }
    if (keyword == "if") {
      if (IsValid(rule, value)) Apply(schema["then"], value, path);
      return true;
    }
    if (value.is_object())
      return HoldsForMap(keyword, rule, schema, value, path);
    if (value.is_array()) return HoldsForList(keyword, rule, value, path);
    if (value.is_string()) return HoldsForText(keyword, rule, value);
    if (keyword == "minimum") return value >= rule;
    if (keyword == "maximum") return value <= rule;
    return true;
  }

  static bool IsValid(const json& schema, const json& value) {
    Judge judge;
    judge.Apply(schema, value, "");
    return judge.text.empty();
  }

  bool IsOneOf(const json& types, const json& value) {
    if (types.is_string()) return HasType(value, types);
    for (const json& type : types) {
      if (HasType(value, type)) return true;
    }
    return false;
  }

  bool ExactlyOne(const json& rules, const json& value,
                  const std::string& path) {
    int matches = 0;
    for (const json& rule : rules) {
      Judge judge;
      judge.Apply(rule, value, path);
      matches += judge.text.empty() ? 1 : 0;
    }
    return matches == 1;
  }

  bool HoldsForMap(const std::string& keyword, const json& rule,
                   const json& schema, const json& value,
                   const std::string& path) {
    if (keyword == "minProperties") return value.size() >= rule;
    if (keyword == "maxProperties") return value.size() <= rule;
    for (const auto& [name, child] : value.items()) {
      const std::string child_path = path + "/" + name;
      const bool listed =
          schema.contains("properties") && schema["properties"].contains(name);
      if (keyword == "propertyNames") Apply(rule, name, child_path);
      if (keyword == "properties" && listed) {
        Apply(rule[name], child, child_path);
      }
      if (keyword == "additionalProperties" && !listed) {
        if (rule.is_boolean()) {
          text += child_path + ": unknown\n";
        } else {
          Apply(rule, child, child_path);
        }
      }
    }
    if (keyword != "required") return true;
    for (const json& name : rule) {
      if (!value.contains(name)) return false;
    }
    return true;
  }

  bool HoldsForList(const std::string& keyword, const json& rule,
                    const json& value, const std::string& path) {
    if (keyword == "minItems") return value.size() >= rule;
    if (keyword == "uniqueItems") {
      return std::set<json>(value.begin(), value.end()).size() == value.size();
    }
    if (keyword != "items") return true;
    for (size_t i = 0; i < value.size(); ++i) {
      Apply(rule, value[i], path + "/" + std::to_string(i));
    }
    return true;
  }

  bool HoldsForText(const std::string& keyword, const json& rule,
                    const json& value) {
    const auto& content = value.get_ref<const std::string&>();
    if (keyword == "minLength") return content.size() >= rule;
    if (keyword == "maxLength") return content.size() <= rule;
    if (keyword != "pattern") return true;
    return Matches(content, rule);
  }
};

}  // namespace

std::string JudgeBySchema(const nlohmann::json& schema, const YamlNode& node) {
  Judge judge;
  judge.Apply(schema, ToJson(node), "");
  return judge.text;
}

}  // namespace tacho
