#pragma once

#include "pipeline/job/complaints.h"
#include "pipeline/job/job_parser.h"
#include "pipeline/job/yaml_tree.h"

namespace tacho {

// Puts the values of `--set path=value` into the tree, as if the file had them.
// Complains about paths that are malformed or lead through a single value.
void ApplyOverrides(const JobOverrides& overrides, YamlNode& root,
                    Complaints& complaints);

}  // namespace tacho
