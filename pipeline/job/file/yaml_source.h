#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/diagnostics.h"

namespace tacho {

// The text of a job file, for going between bytes and positions as people
// count them: lines end at '\n', columns count characters, both from 1. A byte
// order mark at its start is no part of it.
// Lifetime: the text outlives it.
// Cost: linear to make; a position is a binary search.
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

  // The byte of the quote that ends the quoted scalar at byte `begin`; `begin`
  // if it is not quoted, npos if it does not end.
  size_t ClosingQuote(size_t begin) const;

 private:
  static constexpr size_t kBlock = 256;  // Bytes between counts.

  // Characters in the first `byte` bytes.
  size_t CharactersBefore(size_t byte) const;

  std::string_view text_;
  std::vector<size_t> line_begins_;
  // characters_[i]: in the first i * kBlock bytes. So that a position on a long
  // line costs no walk along it.
  std::vector<size_t> characters_;
};

}  // namespace tacho
