#pragma once

#include <algorithm>
#include <string_view>

#include "pipeline/base/arena.h"
#include "pipeline/base/json_escape.h"
#include "pipeline/base/reject.h"
#include "pipeline/decode/json_scanner.h"

namespace tacho {

inline bool IsText(const JsonValue& value) {
  return value.kind == JsonKind::kText || value.kind == JsonKind::kEscapedText;
}

// The text without its escapes: a view into the message, or into the arena if
// there are any.
inline std::string_view PlainText(const JsonValue& value, Arena& arena) {
  if (value.kind == JsonKind::kText) return value.text();
  char* const out = arena.Allocate(value.size);
  return {out, UnescapeJson(value.text(), out)};
}

// What a value is, in a word for people.
inline std::string_view KindName(JsonKind kind) {
  switch (kind) {
    case JsonKind::kAbsent:
      return "nothing";
    case JsonKind::kNull:
      return "null";
    case JsonKind::kFalse:
      return "false";
    case JsonKind::kTrue:
      return "true";
    case JsonKind::kNumber:
      return "number";
    case JsonKind::kText:
    case JsonKind::kEscapedText:
      return "text";
    case JsonKind::kObject:
      return "object";
    case JsonKind::kArray:
      return "array";
  }
  return "";
}

// Notes what was found at a place, and what was expected there.
inline void NoteFound(const JsonValue& value, std::string_view expected,
                      RejectSite& site) {
  site = {};
  site.found = KindName(value.kind);
  site.sample = value.text();
  site.expected = expected;
}

}  // namespace tacho
