#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/reject.h"
#include "pipeline/decode/json_index.h"
#include "pipeline/decode/json_paths.h"

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

  std::string_view text() const { return {data, size}; }
};

struct JsonLimits {
  size_t bytes = 1048576;
  size_t depth = 1024;  // The outermost object is level 1.
};

// Reads JSON objects: validates all of a document (RFC 8259 and UTF-8, wanted
// or not; surrogate escapes must pair) and finds the values at the wanted
// paths, in one pass over its index.
//
// Of two members with the same name in one object the first counts, and the
// second is validated only.
//
// Threading: one thread at a time.
// Limits: `limits`; numbers are any size. Allocates nothing per document,
// except for an escaped member name longer than all before it.
class JsonScanner {
 public:
  // REQUIRES: every path is a JSON pointer other than "".
  JsonScanner(const std::vector<std::string>& paths, const JsonLimits& limits,
              IndexRoute route = JsonIndex::DefaultRoute());

  // Why the document is refused, or nullopt. The reason depends on nothing but
  // its bytes, in this order: too_large, invalid_utf8, too_deep (brackets
  // outside strings, also if the text is no JSON), unparsable_json,
  // not_an_object.
  // REQUIRES: 64 readable bytes follow the text; what they hold is ignored.
  std::optional<RejectReason> Scan(std::string_view text);

  // At paths[i] of the last document, if that was not refused.
  const JsonValue& value(size_t path) const {
    return values_[paths_.node_of(path)];
  }

 private:
  class Walk;

  JsonLimits limits_;
  JsonPaths paths_;
  JsonIndex index_;
  std::vector<JsonValue> values_;   // By node of `paths_`.
  std::vector<uint64_t> brackets_;  // One bit a level: is it an object.
  std::string key_;                 // An escaped member name, unescaped.
};

}  // namespace tacho
