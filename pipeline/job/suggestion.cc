#include "pipeline/job/suggestion.h"

#include "pipeline/base/nearest.h"

namespace tacho {

std::string DidYouMean(std::string_view text,
                       const std::vector<std::string_view>& candidates) {
  const std::string_view nearest = Nearest(text, candidates);
  if (nearest.empty()) return "";
  return "; did you mean '" + std::string(nearest) + "'?";
}

}  // namespace tacho
