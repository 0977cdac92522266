#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tacho {

// "; did you mean 'X'?" for the nearest candidate, or "".
std::string DidYouMean(std::string_view text,
                       const std::vector<std::string_view>& candidates);

}  // namespace tacho
