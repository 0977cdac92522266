#pragma once

#include <cstdint>

#include "pipeline/job/file/yaml_tree.h"

namespace tacho {

// Of a job's text, overrides included, but for what only says where and how
// fast it runs: jobs that share it make the same of the same input. The reverse
// does not hold: another spelling, or another order of keys, is another digest.
uint64_t JobDigest(const YamlNode& root);

}  // namespace tacho
