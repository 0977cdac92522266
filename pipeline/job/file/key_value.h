#pragma once

#include <optional>
#include <string>

#include "pipeline/base/diagnostics.h"
#include "pipeline/job/file/job_keys.h"
#include "pipeline/job/file/yaml_tree.h"

namespace tacho {

// Checks the value that `node` gives `key`, and types it. Complains and returns
// nothing if it is of the wrong shape, spelling or range. `path` is the key's
// path with the user's own names, for messages.
std::optional<KeyValue> ReadKeyValue(const JobKey& key, const std::string& path,
                                     const YamlNode& node,
                                     Diagnostics& diagnostics);

}  // namespace tacho
