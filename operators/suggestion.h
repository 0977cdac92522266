#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tacho {

// "name", with the quotes.
std::string Quoted(std::string_view name);

// What to add to "unknown NAME": `: did you mean "speed"?` if a known name is
// close, otherwise the known names (`: one of a, b, c`), "" if there are none.
std::string Suggest(std::string_view name,
                    const std::vector<std::string_view>& known);

// The same for units, listed without aliases if none is close.
std::string SuggestUnit(std::string_view name);

}  // namespace tacho
