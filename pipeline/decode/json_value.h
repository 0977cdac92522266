#pragma once

#include <cstdint>
#include <string_view>

namespace tacho {

enum class JsonKind : uint8_t {
  kAbsent,
  kNull,
  kFalse,
  kTrue,
  kNumber,
  kText,         // Without escapes.
  kEscapedText,  // With escapes, all of them valid.
  kObject,
  kArray,
};

// A value where a wanted path leads: its kind, and the bytes of a number or of
// a text between its quotes.
// Lifetime: a view into the document.
struct JsonValue {
  const char* data = nullptr;
  uint32_t size = 0;
  JsonKind kind = JsonKind::kAbsent;
  // Of a number without exponent and of fewer than 16 bytes behind its sign:
  // how many digits it has before its dot, and after it. Else 0.
  uint8_t whole = 0;
  uint8_t fraction = 0;

  std::string_view text() const { return {data, size}; }
};

}  // namespace tacho
