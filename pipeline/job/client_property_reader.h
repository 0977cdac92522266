#pragma once

#include <vector>

#include "pipeline/job/complaints.h"
#include "pipeline/job/kafka_properties.h"
#include "pipeline/job/yaml_tree.h"

namespace tacho {

// Reads what is under `kafka:` against the rules for client properties. `at` is
// where `kafka` itself was written.
std::vector<KafkaProperty> ReadClientProperties(const YamlNode& node, Origin at,
                                                Complaints& complaints);

}  // namespace tacho
