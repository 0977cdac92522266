#pragma once

#include <string>
#include <vector>

#include "operators/registry.h"

namespace tacho {

// The reference of every key as Markdown tables, from the parser's own table.
std::string JobReferenceMarkdown(
    const std::vector<OperatorType>& operators = OperatorTypes());

}  // namespace tacho
