#pragma once

#include <cstddef>
#include <string_view>

namespace tacho {

// The inside of JSON strings (RFC 8259), both ways.
//
// Threading: none; functions only.

// Greatest growth of a byte inside a JSON string: a control character.
inline constexpr size_t kMaxEscape = 6;

// Appends `value` as the inside of a JSON string to `out`, which has room for
// kMaxEscape bytes a byte; returns the end.
char* EscapeJson(std::string_view value, char* out);

// How many bytes EscapeJson writes.
size_t EscapedJsonSize(std::string_view value);

// EscapedJsonSize(value) <= limit; quick for what is far below it.
inline bool EscapedJsonFits(std::string_view value, size_t limit) {
  if (value.size() > limit) return false;
  return value.size() <= limit / kMaxEscape || EscapedJsonSize(value) <= limit;
}

// Every escape of a string's raw content is one of the grammar's, and
// surrogates come in pairs.
bool JsonEscapesAreValid(std::string_view raw);

// Writes the content of a string whose escapes are valid to `out`, which has
// room for raw.size() bytes. Returns the bytes written.
size_t UnescapeJson(std::string_view raw, char* out);

}  // namespace tacho
