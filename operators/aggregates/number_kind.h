#pragma once

#include <cmath>

#include "operators/aggregate_function.h"

namespace tacho {

// An AggregateKind of a fold over numbers: `Fold` says what becomes of cells.
//
//   struct Fold {
//     using Value = double or int64_t;            // Of the signal.
//     static constexpr size_t kCells;
//     static constexpr FieldType kResult;
//     static void Add(Value value, bool seen, Accumulators::Cell* cells);
//     static void Merge(const Accumulators::Cell* part, bool seen,
//                       Accumulators::Cell* cells);
//     static void Emit(const Aggregate& aggregate, const Accumulators& state,
//                      RowWriter& rows);
//     static const char* Check(const Accumulators::Cell* cells, bool seen);
//   };
// `seen`: the cells have a value already.
template <typename Fold>
class NumberKind {
 public:
  static const AggregateKind* Get() {
    static constexpr AggregateKind kKind = {Fold::kCells, false, Fold::kResult,
                                            false,        Add,   Merge,
                                            Fold::Emit,   Check};
    return &kKind;
  }

 private:
  static const double* Values(const AggregateInput& input, double) {
    return input.doubles;
  }
  static const int64_t* Values(const AggregateInput& input, int64_t) {
    return input.ints;
  }

  static void Add(const Aggregate& aggregate,
                  std::span<const AggregateRow> rows) {
    using Value = typename Fold::Value;
    const CellState* const states = aggregate.input.states;
    const Value* const values = Values(aggregate.input, Value{});
    const uint64_t bit = aggregate.bit;
    for (const AggregateRow& row : rows) {
      if (states[row.row] != CellState::kValid) continue;
      Accumulators& state = *row.state;
      Fold::Add(values[row.row], (state.valid & bit) != 0,
                aggregate.Cells(state));
      state.valid |= bit;
    }
  }

  static void Merge(const Aggregate& aggregate, const Accumulators& part,
                    Accumulators& state) {
    Fold::Merge(aggregate.Cells(part), aggregate.Seen(state),
                aggregate.Cells(state));
    state.valid |= aggregate.bit;
  }

  static const char* Check(const Aggregate& aggregate,
                           const Accumulators& state, Timestamp, Timestamp) {
    return Fold::Check(aggregate.Cells(state), aggregate.Seen(state));
  }
};

// For AggregateFunction::of: `Double` or `Whole` by the signal's type, and
// nothing of what is no number.
template <typename Double, typename Whole>
const AggregateKind* OfNumbers(const SignalType* type) {
  if (type == nullptr) return nullptr;
  if (*type == SignalType::kDouble) return NumberKind<Double>::Get();
  if (*type == SignalType::kInt64) return NumberKind<Whole>::Get();
  return nullptr;
}

inline constexpr int64_t kMostAggregated = INT64_MAX / 4;  // Records, ever.

}  // namespace tacho
