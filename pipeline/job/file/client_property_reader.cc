#include "pipeline/job/file/client_property_reader.h"

#include <string>
#include <string_view>
#include <utility>

#include "pipeline/base/suggestion.h"

namespace tacho {
namespace {

std::string Unknown(const std::string& name) {
  std::vector<std::string_view> names;
  for (const KafkaPropertyRule& rule : KafkaPropertyRules()) {
    if (rule.policy == KafkaPolicy::kPassed ||
        rule.policy == KafkaPolicy::kSecret) {
      names.push_back(rule.name);
    }
  }
  return "unknown client property" + DidYouMean(name, names, '\'');
}

// {file: PATH} or {env: NAME}.
bool ReadReference(const YamlNode& node, const std::string& path,
                   KafkaProperty& property, Diagnostics& diagnostics) {
  const bool one = node.keys.size() == 1 && node.values[0].is_scalar() &&
                   !node.values[0].text.empty();
  const std::string kind = one ? node.keys[0].name : "";
  if (kind == "file") {
    property.source = KafkaProperty::Source::kFile;
  } else if (kind == "env") {
    property.source = KafkaProperty::Source::kEnvironment;
  } else {
    diagnostics.Error(node.origin, path +
                                       ": a value from elsewhere is {file: "
                                       "PATH} or {env: NAME}");
    return false;
  }
  property.value = Secret(node.values[0].text);
  return true;
}

void ReadOne(const YamlKey& key, const YamlNode& node,
             std::vector<KafkaProperty>& properties, Diagnostics& diagnostics) {
  const std::string path = "kafka." + key.name;
  const KafkaPropertyRule* rule = FindKafkaPropertyRule(key.name);
  if (rule == nullptr) {
    diagnostics.Error(key.origin, path + ": " + Unknown(key.name));
    return;
  }
  if (rule->policy == KafkaPolicy::kOwned ||
      rule->policy == KafkaPolicy::kRefused) {
    diagnostics.Error(key.origin, path + ": " +
                                      (rule->policy == KafkaPolicy::kOwned
                                           ? "tacho owns this property; "
                                           : "refused: ") +
                                      std::string(rule->remedy));
    return;
  }
  KafkaProperty property;
  property.name = key.name;
  if (node.is_map()) {
    if (!ReadReference(node, path, property, diagnostics)) return;
  } else if (node.is_scalar()) {
    property.value = Secret(node.text);
    if (rule->policy == KafkaPolicy::kSecret && node.origin.set >= 0) {
      diagnostics.Error(node.origin,
                        "every user of this host can read a command line; "
                        "write '" +
                            path + "={file: PATH}' or '" + path +
                            "={env: NAME}'");
      return;
    }
    if (rule->policy == KafkaPolicy::kSecret) {
      diagnostics.Warning(node.origin, path +
                                           ": a secret in the job file; write "
                                           "{file: PATH} or {env: NAME}");
    }
  } else {
    diagnostics.Error(node.origin, path + ": expected a single value, found " +
                                       node.KindName());
    return;
  }
  properties.push_back(std::move(property));
}

bool Equals(const std::vector<KafkaProperty>& properties, std::string_view name,
            std::string_view lower_value) {
  for (const KafkaProperty& property : properties) {
    if (property.name != name) continue;
    std::string text = property.value.Reveal();
    for (char& c : text) {
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    }
    return text == lower_value;
  }
  return false;
}

void WarnOfPlainPassword(const std::vector<KafkaProperty>& properties,
                         Origin at, Diagnostics& diagnostics) {
  if (!Equals(properties, "security.protocol", "sasl_plaintext")) return;
  if (Equals(properties, "sasl.mechanism", "plain") ||
      Equals(properties, "sasl.mechanisms", "plain")) {
    diagnostics.Warning(at,
                        "kafka: the password crosses the network readably; use "
                        "security.protocol: sasl_ssl");
  }
}

}  // namespace

std::vector<KafkaProperty> ReadClientProperties(const YamlNode& node, Origin at,
                                                Diagnostics& diagnostics) {
  std::vector<KafkaProperty> properties;
  if (!node.is_map() && !node.is_null()) {
    diagnostics.Error(node.origin,
                      std::string("kafka: expected a map of client properties, "
                                  "found ") +
                          node.KindName());
    return properties;
  }
  for (size_t i = 0; i < node.keys.size(); ++i) {
    ReadOne(node.keys[i], node.values[i], properties, diagnostics);
  }
  const YamlNode* servers = node.Find("bootstrap.servers");
  if (servers == nullptr) {
    diagnostics.Error(at,
                      "missing 'kafka.bootstrap.servers'; write it, or give "
                      "--bootstrap HOST:PORT");
  } else if (servers->is_scalar() && servers->text.empty()) {
    diagnostics.Error(servers->origin,
                      "kafka.bootstrap.servers: the value is empty");
  }
  WarnOfPlainPassword(properties, at, diagnostics);
  return properties;
}

}  // namespace tacho
