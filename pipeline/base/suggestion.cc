#include "pipeline/base/suggestion.h"

#include <algorithm>
#include <cstddef>

namespace tacho {
namespace {

constexpr size_t kMaxCompared = 80;
constexpr size_t kMaxListed = 24;

char Lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

// Optimal string alignment distance, three rows at a time.
size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1);
  std::vector<size_t> last(b.size() + 1);
  std::vector<size_t> row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = Lower(a[i - 1]) == Lower(b[j - 1]);
      row[j] =
          std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before[j - 2] + 1);
      }
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

}  // namespace

std::string_view Nearest(std::string_view text,
                         const std::vector<std::string_view>& candidates) {
  if (text.size() > kMaxCompared) return {};
  std::string_view nearest;
  size_t best = std::max<size_t>(1, text.size() / 3) + 1;
  for (std::string_view candidate : candidates) {
    const size_t distance = EditDistance(text, candidate);
    if (distance < best && distance < candidate.size()) {
      best = distance;
      nearest = candidate;
    }
  }
  return nearest;
}

std::string Quoted(std::string_view name, char quote) {
  return quote + std::string(name) + quote;
}

std::string JoinNames(const std::vector<std::string_view>& names) {
  std::string text;
  for (const std::string_view name : names) {
    text += text.empty() ? "" : ", ";
    text += name;
  }
  return text;
}

std::string DidYouMean(std::string_view name,
                       const std::vector<std::string_view>& known, char quote) {
  const std::string_view nearest = Nearest(name, known);
  if (nearest.empty()) return "";
  return "; did you mean " + Quoted(nearest, quote) + "?";
}

std::string Suggest(std::string_view name,
                    const std::vector<std::string_view>& known, char quote) {
  std::string guess = DidYouMean(name, known, quote);
  if (!guess.empty() || known.empty()) return guess;
  if (known.size() <= kMaxListed) return "; known: " + JoinNames(known);
  return "; known: " + JoinNames({known.begin(), known.begin() + kMaxListed}) +
         ", ...";
}

}  // namespace tacho
