#pragma once

#include <vector>

#include "pipeline/base/diagnostics.h"
#include "pipeline/job/file/yaml_tree.h"
#include "pipeline/job/kafka_properties.h"

namespace tacho {

// Reads what is under `kafka:` against the rules for client properties. `at` is
// where `kafka` itself was written.
std::vector<KafkaProperty> ReadClientProperties(const YamlNode& node, Origin at,
                                                Diagnostics& diagnostics);

}  // namespace tacho
