#include "operators/suggestion.h"

#include <algorithm>
#include <cstddef>

#include "pipeline/base/nearest.h"
#include "pipeline/base/units.h"

namespace tacho {

namespace {

constexpr size_t kMaxListed = 24;

std::string List(const std::vector<std::string_view>& known) {
  std::string text = ": one of ";
  for (size_t i = 0; i < std::min(known.size(), kMaxListed); ++i) {
    if (i > 0) text += ", ";
    text += known[i];
  }
  if (known.size() > kMaxListed) text += ", ...";
  return text;
}

std::string DidYouMean(std::string_view name) {
  return ": did you mean " + Quoted(name) + "?";
}

}  // namespace

std::string Quoted(std::string_view name) {
  std::string text;
  text.reserve(name.size() + 2);
  text += '"';
  text += name;
  text += '"';
  return text;
}

std::string Suggest(std::string_view name,
                    const std::vector<std::string_view>& known) {
  if (known.empty()) return "";
  const std::string_view close = Nearest(name, known);
  return close.empty() ? List(known) : DidYouMean(close);
}

std::string SuggestUnit(std::string_view name) {
  const std::string_view close = NearestUnit(name);
  if (!close.empty()) return DidYouMean(close);
  return List(CanonicalUnits());
}

}  // namespace tacho
