#pragma once

#include <string>
#include <vector>

#include "operators/registry.h"

namespace tacho {

// JSON Schema (draft 2020-12) of the job file, from the parser's own table.
std::string JobSchemaJson(
    const std::vector<OperatorType>& operators = OperatorTypes());

}  // namespace tacho
