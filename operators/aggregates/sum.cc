// sum(x): of doubles a compensated left fold, of int64 exact. A sum that leaves
// its type is null, and counted.

#include <cmath>

#include "operators/aggregates/number_kind.h"
#include "operators/aggregates/wide_sum.h"

namespace tacho {
namespace {

using Cell = Accumulators::Cell;

struct DoubleSum {
  using Value = double;
  static constexpr size_t kCells = 2;
  static constexpr FieldType kResult = FieldType::kDouble;
  static void Add(double value, bool, Cell* cells) {
    AddCompensated(value, cells[0].d, cells[1].d);
  }
  static void Merge(const Cell* part, bool, Cell* cells) {
    MergeCompensated(part[0].d, part[1].d, cells[0].d, cells[1].d);
  }
  static void Emit(const Aggregate& aggregate, const Accumulators& state,
                   RowWriter& rows) {
    const Cell* const cells = aggregate.Cells(state);
    const double sum = cells[0].d + cells[1].d;
    return std::isfinite(sum) ? rows.Double(sum) : rows.Overflow();
  }
  // It may have passed the greatest double: then it is written as null.
  static const char* Check(const Cell*, bool) { return nullptr; }
};

struct WholeSum {
  using Value = int64_t;
  static constexpr size_t kCells = 2;
  static constexpr FieldType kResult = FieldType::kInt64;
  static void Add(int64_t value, bool, Cell* cells) {
    AddToWideSum(value, cells);
  }
  static void Merge(const Cell* part, bool, Cell* cells) {
    AddToWideSum(WideSum(part), cells);
  }
  static void Emit(const Aggregate& aggregate, const Accumulators& state,
                   RowWriter& rows) {
    const auto sum = Narrow(WideSum(aggregate.Cells(state)));
    return sum.has_value() ? rows.Int(*sum) : rows.Overflow();
  }
  static const char* Check(const Cell* cells, bool) {
    return CheckWideSum(cells);
  }
};

}  // namespace

AggregateFunction SumFunction() {
  return {"sum", "their sum", OfNumbers<DoubleSum, WholeSum>, nullptr,
          AggregateFunction::Result::kDifference};
}

}  // namespace tacho
