#include "pipeline/job/kafka_properties.h"

#include <sys/stat.h>

#include <cstdlib>

#include "pipeline/base/file.h"
#include "pipeline/base/log.h"

namespace tacho {
namespace {

Result<std::string> ReadSecretFile(const std::string& path) {
  ASSIGN_OR_RETURN(std::string text, ReadFile(path));
  if (text.ends_with('\n')) text.pop_back();
  if (text.ends_with('\r')) text.pop_back();
  return text;
}

void WarnIfReadableByAll(const std::string& name, const std::string& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0 || (status.st_mode & S_IROTH) == 0) {
    return;
  }
  LOG(kWarn, "secret_file_readable_by_all",
      {{"property", name}, {"path", path}});
}

Result<std::string> Resolve(const KafkaProperty& property) {
  const std::string& written = property.value.Reveal();
  if (property.source == KafkaProperty::Source::kText) return written;
  if (property.source == KafkaProperty::Source::kFile) {
    WarnIfReadableByAll(property.name, written);
    return ReadSecretFile(written);
  }
  const char* value = std::getenv(written.c_str());
  if (value != nullptr) return std::string(value);
  return Status(StatusCode::kNotFound,
                "environment variable '" + written + "' is not set");
}

}  // namespace

const KafkaPropertyRule* FindKafkaPropertyRule(std::string_view name) {
  for (const KafkaPropertyRule& rule : KafkaPropertyRules()) {
    if (rule.name == name) return &rule;
  }
  return nullptr;
}

Result<std::vector<std::pair<std::string, std::string>>> ResolveKafkaProperties(
    const std::vector<KafkaProperty>& properties) {
  std::vector<std::pair<std::string, std::string>> resolved;
  for (const KafkaProperty& property : properties) {
    Result<std::string> value = Resolve(property);
    if (!value.ok()) return value.status().With("kafka." + property.name);
    resolved.emplace_back(property.name, *std::move(value));
  }
  return resolved;
}

}  // namespace tacho
