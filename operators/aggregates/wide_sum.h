#pragma once

#include "operators/accumulators.h"
#include "operators/exact_sum.h"

namespace tacho {

// An exact sum of int64 in two cells.
inline Int128 WideSum(const Accumulators::Cell* cells) {
  return Join(cells[0].i, cells[1].i);
}

inline void AddToWideSum(Int128 value, Accumulators::Cell* cells) {
  const WideWords words = Split(WideSum(cells) + value);
  cells[0].i = words.low;
  cells[1].i = words.high;
}

// Of a stored sum that records can have made; more can be added to it without
// an overflow.
inline const char* CheckWideSum(const Accumulators::Cell* cells) {
  constexpr Int128 kMost = static_cast<Int128>(1) << 126;
  const Int128 sum = WideSum(cells);
  return sum >= -kMost && sum <= kMost ? nullptr : "a sum out of range";
}

}  // namespace tacho
