#pragma once

#include "pipeline/base/suggestion.h"

namespace tacho {

// For those that do not say their quotes yet; goes with the last of them.
inline std::string DidYouMean(std::string_view name,
                              const std::vector<std::string_view>& known) {
  return DidYouMean(name, known, '\'');
}

}  // namespace tacho
