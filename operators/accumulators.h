#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "state/codec.h"

namespace tacho {

// Aggregates of one operator; their valid bits fit one word.
inline constexpr size_t kMaxAggregates = 64;

// What aggregates have seen of a vehicle's records, of one pane for instance: a
// value of a state table. Its layout belongs to the AggregateSet that filled
// it.
class Accumulators {
 public:
  union Cell {
    int64_t i;
    double d;
  };
  static constexpr size_t kInlineCells = 12;

  void Reset();
  void Encode(ByteWriter& out) const;
  bool Decode(ByteReader& in);

  // Sets `size` cells to zero.
  void Resize(size_t size, size_t texts);

  Cell* cells() {
    return size_ <= kInlineCells ? inline_.data() : more_.data();
  }
  const Cell* cells() const {
    return size_ <= kInlineCells ? inline_.data() : more_.data();
  }
  size_t size() const { return size_; }

  uint64_t valid = 0;  // Bit n: aggregate n has seen a value.
  std::vector<std::string> texts;

 private:
  uint32_t size_ = 0;
  std::array<Cell, kInlineCells> inline_ = {};
  std::vector<Cell> more_;
};

}  // namespace tacho
