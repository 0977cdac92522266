#include "operators/suggestion.h"

#include <algorithm>
#include <cstddef>

#include "pipeline/base/units.h"

namespace tacho {

namespace {

constexpr size_t kMaxListed = 24;

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// Edits (insert, delete, replace) that turn one name into the other, case
// apart.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = row[0];
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace =
          diagonal + (Lower(a[i - 1]) == Lower(b[j - 1]) ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replace});
    }
  }
  return row[b.size()];
}

std::string Closest(std::string_view name,
                    const std::vector<std::string_view>& known) {
  size_t best = std::max<size_t>(1, name.size() / 3) + 1;
  std::string_view found;
  for (const std::string_view candidate : known) {
    const size_t distance = Distance(name, candidate);
    // A name with nothing in common is no suggestion.
    if (distance < best && distance < candidate.size()) {
      best = distance;
      found = candidate;
    }
  }
  return std::string(found);
}

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
  const std::string close = Closest(name, known);
  return close.empty() ? List(known) : DidYouMean(close);
}

std::string SuggestUnit(std::string_view name) {
  const std::string close = Closest(name, UnitNames());
  if (!close.empty()) return DidYouMean(close);
  std::vector<std::string_view> inside;
  for (int i = 1; i <= static_cast<int>(Dimension::kAcceleration); ++i) {
    inside.push_back(InsideUnit(static_cast<Dimension>(i)));
  }
  return List(inside);
}

}  // namespace tacho
