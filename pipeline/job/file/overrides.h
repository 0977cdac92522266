#pragma once

#include "pipeline/base/diagnostics.h"
#include "pipeline/job/file/yaml_tree.h"
#include "pipeline/job/job_overrides.h"

namespace tacho {

// Puts the values of `--set path=value` into the tree, as if the file had them.
// Complains about paths that are malformed or lead through a single value.
void ApplyOverrides(const JobOverrides& overrides, YamlNode& root,
                    Diagnostics& diagnostics);

}  // namespace tacho
