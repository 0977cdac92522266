#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tacho {

// UTF-8 as Unicode has it (15.0, table 3-7): no overlong forms, no surrogates,
// nothing past U+10FFFF.
//
// Threading: none; functions only.

// A code point, or a byte that belongs to none.
struct CodePoint {
  uint32_t code = 0;  // Of the byte, if it is not valid.
  size_t size = 1;
  bool valid = true;
};

// What `text` starts with. REQUIRES: it is not empty.
CodePoint FirstCodePoint(std::string_view text);

// The first byte that is part of no code point; npos: there is none. Fast for
// ASCII.
size_t FindInvalidUtf8(std::string_view text);
inline bool IsUtf8(std::string_view text) {
  return FindInvalidUtf8(text) == std::string_view::npos;
}

// A byte that continues a code point: characters are counted without them.
inline bool IsUtf8Continuation(char byte) { return (byte & 0xC0) == 0x80; }

// Whether a control character is in it: C0, DEL or C1. REQUIRES: UTF-8.
bool HasControl(std::string_view text);

// Writes `code`, at most 4 bytes, and returns where they end.
// REQUIRES: a code point, no surrogate.
char* WriteUtf8(uint32_t code, char* out);
void AppendUtf8(uint32_t code, std::string& out);

}  // namespace tacho
