#include "pipeline/base/json_pointer.h"

#include <algorithm>
#include <utility>

namespace tacho {
namespace {

// The token with ~1 and ~0 replaced, or nullopt if a '~' stands alone.
std::optional<std::string> UnescapeToken(std::string_view token) {
  std::string out;
  for (size_t i = 0; i < token.size(); ++i) {
    if (token[i] != '~') {
      out += token[i];
      continue;
    }
    ++i;
    if (i == token.size() || (token[i] != '0' && token[i] != '1')) {
      return std::nullopt;
    }
    out += token[i] == '0' ? '~' : '/';
  }
  return out;
}

}  // namespace

std::optional<std::vector<std::string>> ParseJsonPointer(
    std::string_view pointer) {
  std::vector<std::string> tokens;
  while (!pointer.empty()) {
    if (pointer[0] != '/') return std::nullopt;
    const size_t end = std::min(pointer.find('/', 1), pointer.size());
    std::optional<std::string> token =
        UnescapeToken(pointer.substr(1, end - 1));
    if (!token.has_value()) return std::nullopt;
    tokens.push_back(std::move(*token));
    pointer.remove_prefix(end);
  }
  return tokens;
}

}  // namespace tacho
