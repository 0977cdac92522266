#include "pipeline/job/suggestion.h"

#include "pipeline/base/nearest.h"
#include "pipeline/base/units.h"

namespace tacho {

std::string DidYouMean(std::string_view text,
                       const std::vector<std::string_view>& candidates) {
  const std::string_view nearest = Nearest(text, candidates);
  if (nearest.empty()) return "";
  return "; did you mean '" + std::string(nearest) + "'?";
}

std::string UnknownUnit(std::string_view text) {
  const std::string_view nearest = NearestUnit(text);
  const std::string unknown = "unknown unit '" + std::string(text) + "'";
  if (nearest.empty()) {
    return unknown + "; write one of: " + JoinNames(CanonicalUnits()) +
           ", or another of their dimensions";
  }
  return unknown + "; did you mean '" + std::string(nearest) + "'?";
}

std::string JoinNames(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) {
    text += text.empty() ? "" : ", ";
    text += name;
  }
  return text;
}

}  // namespace tacho
