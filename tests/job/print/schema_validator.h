#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "pipeline/job/file/yaml_tree.h"

namespace tacho {

// Judges a job by its JSON Schema, as an editor would, for the keywords that
// our schema uses. Returns what is wrong, one line each; "" if nothing.
std::string JudgeBySchema(const nlohmann::json& schema, const YamlNode& node);

}  // namespace tacho
