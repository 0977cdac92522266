// mean(x): the sum over the count, rounded once; the mean of equal values is
// their value. Of doubles the sum is a compensated left fold, of int64 exact.

#include <algorithm>
#include <cmath>

#include "operators/aggregates/number_kind.h"
#include "operators/aggregates/wide_sum.h"

namespace tacho {
namespace {

using Cell = Accumulators::Cell;

struct DoubleMean {
  using Value = double;
  static constexpr size_t kCells = 3;
  static constexpr FieldType kResult = FieldType::kDouble;
  static void Add(double value, bool, Cell* cells) {
    AddToMean(value, cells[0].d, cells[1].d, cells[2].i);
  }
  static void Merge(const Cell* part, bool, Cell* cells) {
    MergeMean(part[0].d, part[1].d, part[2].i, cells[0].d, cells[1].d,
              cells[2].i);
  }
  // Rounding cannot take the mean of fewer than 2^26 values out of their range.
  // Who is told that range sees no mean outside it, however many there are.
  static void Emit(const Aggregate& aggregate, const Accumulators& state,
                   RowWriter& rows) {
    const Cell* const cells = aggregate.Cells(state);
    double mean = Mean(cells[0].d, cells[1].d, cells[2].i);
    if (aggregate.least_cell) {
      mean = std::max(mean, state.cells()[*aggregate.least_cell].d);
    }
    if (aggregate.greatest_cell) {
      mean = std::min(mean, state.cells()[*aggregate.greatest_cell].d);
    }
    rows.Double(mean);
  }
  static const char* Check(const Cell* cells, bool seen) {
    const int64_t count = cells[2].i;
    if (!seen) return nullptr;
    return count == 0 || count > kMostAggregated || count < -kMostAggregated
               ? "a mean of an impossible count"
               : nullptr;
  }
};

struct WholeMean {
  using Value = int64_t;
  static constexpr size_t kCells = 3;
  static constexpr FieldType kResult = FieldType::kDouble;
  static void Add(int64_t value, bool, Cell* cells) {
    AddToWideSum(value, cells);
    ++cells[2].i;
  }
  static void Merge(const Cell* part, bool, Cell* cells) {
    AddToWideSum(WideSum(part), cells);
    cells[2].i += part[2].i;
  }
  static void Emit(const Aggregate& aggregate, const Accumulators& state,
                   RowWriter& rows) {
    const Cell* const cells = aggregate.Cells(state);
    rows.Double(Mean(WideSum(cells), cells[2].i));
  }
  static const char* Check(const Cell* cells, bool seen) {
    const char* const wrong = CheckWideSum(cells);
    if (wrong != nullptr || !seen) return wrong;
    return cells[2].i <= 0 || cells[2].i > kMostAggregated
               ? "a mean of an impossible count"
               : nullptr;
  }
};

}  // namespace

AggregateFunction MeanFunction() {
  return {"mean", "their mean", OfNumbers<DoubleMean, WholeMean>, nullptr};
}

}  // namespace tacho
