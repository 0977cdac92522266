#pragma once

#include <string_view>
#include <vector>

namespace tacho {

// For "did you mean": the candidate nearest to `text` if it is near, else "".
// At most a third of the characters differ (one in a short word), a swap of
// neighbours counting as one difference and upper case as none.
std::string_view Nearest(std::string_view text,
                         const std::vector<std::string_view>& candidates);

}  // namespace tacho
