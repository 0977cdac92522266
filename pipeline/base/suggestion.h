#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tacho {

// What to say of a name that is not known: every table of names (keys,
// operators, signals, units, streams ...) answers in these words. `quote` is
// what the sentence puts around names: ' in a job file, " in an expression,
// where ' may be part of the text.
//
// Threading: none; functions only.

// The candidate nearest to `text` if it is near, else "". At most a third of
// the characters differ (one in a short word), a swap of neighbours counting as
// one difference and upper case as none.
std::string_view Nearest(std::string_view text,
                         const std::vector<std::string_view>& candidates);

// "name", with the quotes.
std::string Quoted(std::string_view name, char quote = '"');

// "a, b, c"
std::string JoinNames(const std::vector<std::string_view>& names);

// What to add to "unknown NAME": `; did you mean "speed"?` if a known name is
// near, else "".
std::string DidYouMean(std::string_view name,
                       const std::vector<std::string_view>& known, char quote);

// The same, or else what is known: `; known: a, b, c`, cut after two dozen.
std::string Suggest(std::string_view name,
                    const std::vector<std::string_view>& known, char quote);

}  // namespace tacho
