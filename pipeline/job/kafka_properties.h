#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/status.h"
#include "pipeline/job/secret.h"

namespace tacho {

// What tacho does with a client property written under `kafka:`.
enum class KafkaPolicy : uint8_t {
  kPassed,   // Handed to the client as it is.
  kSecret,   // Handed on; belongs in a file or the environment.
  kOwned,    // tacho sets it; `remedy` says what to write instead.
  kRefused,  // Never set: it runs code, or has no meaning here.
};

struct KafkaPropertyRule {
  std::string_view name;
  KafkaPolicy policy;
  std::string_view remedy;  // Of kOwned and kRefused: completes "...: ".
};

// Every client property of librdkafka 2.0 to 2.15 that has a text value.
const std::vector<KafkaPropertyRule>& KafkaPropertyRules();
// nullptr: no such property.
const KafkaPropertyRule* FindKafkaPropertyRule(std::string_view name);

// One property of a job, as written: nothing is read from files or the
// environment before the job starts.
struct KafkaProperty {
  enum class Source : uint8_t { kText, kFile, kEnvironment };

  std::string name;
  Source source = Source::kText;
  Secret value;  // The text; the file's path; the variable's name.
};

// The properties with their values, for the client's configuration. A file's
// one trailing line end is not part of its value.
// Errors: kNotFound, or as ReadFile (base/file.h), naming the property and the
// file or variable, never the value.
Result<std::vector<std::pair<std::string, std::string>>> ResolveKafkaProperties(
    const std::vector<KafkaProperty>& properties);

}  // namespace tacho
