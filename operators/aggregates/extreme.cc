// min(x), max(x): in the type of x.

#include "operators/aggregates/extreme.h"

#include <cmath>
#include <functional>

#include "operators/aggregates/number_kind.h"

namespace tacho {
namespace {

using Cell = Accumulators::Cell;

template <typename Beyond>
struct DoubleExtreme {
  using Value = double;
  static constexpr size_t kCells = 1;
  static constexpr FieldType kResult = FieldType::kDouble;
  static void Add(double value, bool seen, Cell* cells) {
    if (!seen || Beyond()(value, cells->d)) cells->d = value;
  }
  static void Merge(const Cell* part, bool seen, Cell* cells) {
    Add(part->d, seen, cells);
  }
  static void Emit(const Aggregate& aggregate, const Accumulators& state,
                   RowWriter& rows) {
    rows.Double(aggregate.Cells(state)->d);
  }
  static const char* Check(const Cell* cells, bool seen) {
    return seen && std::isnan(cells->d) ? "a value that is not a number"
                                        : nullptr;
  }
};

template <typename Beyond>
struct WholeExtreme {
  using Value = int64_t;
  static constexpr size_t kCells = 1;
  static constexpr FieldType kResult = FieldType::kInt64;
  static void Add(int64_t value, bool seen, Cell* cells) {
    if (!seen || Beyond()(value, cells->i)) cells->i = value;
  }
  static void Merge(const Cell* part, bool seen, Cell* cells) {
    Add(part->i, seen, cells);
  }
  static void Emit(const Aggregate& aggregate, const Accumulators& state,
                   RowWriter& rows) {
    rows.Int(aggregate.Cells(state)->i);
  }
  static const char* Check(const Cell*, bool) { return nullptr; }
};

}  // namespace

AggregateFunction MinFunction() {
  return {"min", "the least",
          OfNumbers<DoubleExtreme<std::less<>>, WholeExtreme<std::less<>>>,
          nullptr};
}

AggregateFunction MaxFunction() {
  return {
      "max", "the greatest",
      OfNumbers<DoubleExtreme<std::greater<>>, WholeExtreme<std::greater<>>>,
      nullptr};
}

const AggregateKind* LeastDouble() {
  return NumberKind<DoubleExtreme<std::less<>>>::Get();
}

const AggregateKind* GreatestDouble() {
  return NumberKind<DoubleExtreme<std::greater<>>>::Get();
}

}  // namespace tacho
