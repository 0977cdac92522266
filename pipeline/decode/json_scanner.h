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
#include "pipeline/decode/json_templates.h"
#include "pipeline/decode/json_value.h"

namespace tacho {

struct JsonLimits {
  size_t bytes = 1048576;
  size_t depth = 1024;  // The outermost object is level 1.
  // Of all arrays that are read one by one, in a document.
  size_t elements = 10000;
};

// Reads JSON objects: validates all of a document (RFC 8259 and UTF-8, wanted
// or not; surrogate escapes must pair) and finds the values at the wanted
// paths, in one pass over its index. Documents of a form that it has seen are
// read by template instead, with the same answers (json_templates.h).
//
// Of two members with the same name in one object the first counts, and the
// second is validated only.
//
// An array that is read one by one leaves a row of values for each of its
// elements, in their order; so does one in these elements. Rows beyond the
// limit are not kept, and the document is validated all the same.
//
// Threading: one thread at a time.
// Limits: `limits`; numbers are any size. Allocates nothing per document,
// except for an escaped member name longer, or more elements, than before, and
// for a form that is learnt.
class JsonScanner {
 public:
  // REQUIRES: what JsonPaths requires of a plan.
  JsonScanner(const ScanPlan& plan, const JsonLimits& limits,
              IndexRoute route = JsonIndex::DefaultRoute());
  // For values of the document only.
  JsonScanner(const std::vector<std::string>& paths, const JsonLimits& limits,
              IndexRoute route = JsonIndex::DefaultRoute());

  // Why the document is refused, or nullopt. The reason depends on nothing but
  // its bytes, in this order: too_large, invalid_utf8, too_deep (brackets
  // outside strings, also if the text is no JSON), unparsable_json,
  // not_an_object.
  // REQUIRES: 64 readable bytes follow the text; what they hold is ignored.
  std::optional<RejectReason> Scan(std::string_view text);

  // How many documents were found by template.
  uint64_t matched_templates() const { return templates_.matched(); }

  // At paths[i] of the last document, if that was not refused.
  const JsonValue& value(size_t path) const {
    return values_[paths_.node_of(path)];
  }

  // Whether the last document has more elements than the limit.
  bool too_many_elements() const { return elements_ > limits_.elements; }
  // How many elements of a scope were kept.
  size_t rows(size_t scope) const { return rows_[scope].parents.size(); }
  // The row of the outer scope in whose array the element is.
  size_t parent(size_t scope, size_t row) const {
    return rows_[scope].parents[row];
  }
  // At paths[i] of the element. REQUIRES: row < rows(scope of the path).
  const JsonValue& value(size_t path, size_t row) const {
    const size_t scope = paths_.scope_of(path);
    const size_t place = paths_.node_of(path) - paths_.root_of(scope);
    return rows_[scope].values[row * paths_.size_of(scope) + place];
  }

 private:
  class Walk;

  // The elements of a scope; the message's own has none.
  struct Rows {
    std::vector<JsonValue> values;  // Of all nodes of the scope, row by row.
    std::vector<uint32_t> parents;
  };

  JsonLimits limits_;
  JsonPaths paths_;
  JsonIndex index_;
  std::vector<JsonValue> values_;   // By node of `paths_`.
  std::vector<uint64_t> brackets_;  // One bit a level: is it an object.
  std::string key_;                 // An escaped member name, unescaped.
  std::vector<Rows> rows_;          // By scope...
  std::vector<size_t> outer_;       // ... and the scope that it lies in.
  size_t elements_ = 0;             // Of the last document, kept or not.
  JsonTemplates templates_;
};

}  // namespace tacho
