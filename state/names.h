#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tacho {

// Names of others (groups, topics, jobs) as parts of names of ours. No two of
// theirs ever give one of ours.

// A file's or directory's name for any text: bytes other than
// A-Z a-z 0-9 . _ - are written %2F, and so is a dot in front; what is longer
// than kMaxFileName then is cut and ends in '%%' and a hash.
inline constexpr size_t kMaxFileName = 200;  // NAME_MAX is 255.
std::string FileNameOf(std::string_view text);

// The same without an end: for fields of a text that ';' separates.
std::string PercentEncode(std::string_view text);
// Nothing if PercentEncode gives no such text.
std::optional<std::string> PercentDecode(std::string_view text);

// 32 hex digits: XXH3, 128 bits.
std::string Hash128(std::string_view text);
uint64_t Hash64(std::string_view text);  // XXH3.

}  // namespace tacho
