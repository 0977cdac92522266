#pragma once

#include "pipeline/base/suggestion.h"

namespace tacho {

// For those that do not say their quotes yet; goes with the last of them.
inline std::string Suggest(std::string_view name,
                           const std::vector<std::string_view>& known) {
  return Suggest(name, known, '"');
}

}  // namespace tacho
