#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/job/complaints.h"

namespace tacho {

// The text of a job file, for going between bytes and positions as people
// count them: lines end at '\n', columns count characters, both from 1.
// Lifetime: the text outlives it.
class YamlSource {
 public:
  explicit YamlSource(std::string_view text);

  std::string_view text() const { return text_; }
  size_t ByteAt(int line, int column) const;  // Clamped to the text.
  Origin OriginAt(size_t byte) const;
  std::string_view Line(int line) const;  // Without its end; "" past the last.

  // The byte of the source that holds byte `offset` of a scalar whose decoded
  // text is `decoded` and which is written at byte `begin`: past quotes,
  // escapes, block headers, indentation and folded line ends.
  size_t Locate(size_t begin, std::string_view decoded, size_t offset) const;

  // Whether the quoted scalar at byte `begin` ends; true if it is not quoted.
  bool QuoteIsClosed(size_t begin) const;

 private:
  std::string_view text_;
  std::vector<size_t> line_begins_;
};

}  // namespace tacho
