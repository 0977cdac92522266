#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tacho {

// "; did you mean 'X'?" for the nearest candidate, or "".
std::string DidYouMean(std::string_view text,
                       const std::vector<std::string_view>& candidates);

// "unknown unit 'X'" with a guess, or with what there is.
std::string UnknownUnit(std::string_view text);

// "a, b, c"
std::string JoinNames(const std::vector<std::string_view>& names);

}  // namespace tacho
