#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tacho {

// The candidate nearest to `text` if it is near, else "": at most a third of
// the characters differ (one in a short word), a swap of neighbours counting
// as one difference and upper case as none.
std::string_view Nearest(std::string_view text,
                         const std::vector<std::string_view>& candidates);

// "; did you mean 'X'?" for the nearest candidate, or "".
std::string DidYouMean(std::string_view text,
                       const std::vector<std::string_view>& candidates);

}  // namespace tacho
