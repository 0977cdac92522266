#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tacho {

// The reference tokens of a JSON pointer (RFC 6901), ~1 and ~0 replaced, or
// nullopt if `pointer` is not one. The empty pointer, the whole document, has
// no tokens.
std::optional<std::vector<std::string>> ParseJsonPointer(
    std::string_view pointer);

}  // namespace tacho
