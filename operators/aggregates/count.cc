// count(): records. count(x): records with a valid value of x.

#include "operators/aggregates/number_kind.h"

namespace tacho {
namespace {

void AddRecords(const Aggregate& aggregate,
                std::span<const AggregateRow> rows) {
  for (const AggregateRow& row : rows) ++aggregate.Cells(*row.state)->i;
}

void AddValid(const Aggregate& aggregate, std::span<const AggregateRow> rows) {
  const CellState* const states = aggregate.input.states;
  for (const AggregateRow& row : rows) {
    if (states[row.row] != CellState::kValid) continue;
    ++aggregate.Cells(*row.state)->i;
    row.state->valid |= aggregate.bit;
  }
}

void Merge(const Aggregate& aggregate, const Accumulators& part,
           Accumulators& state) {
  aggregate.Cells(state)->i += aggregate.Cells(part)->i;
  state.valid |= part.valid & aggregate.bit;
}

void Emit(const Aggregate& aggregate, const Accumulators& state,
          RowWriter& rows) {
  rows.Int(aggregate.Cells(state)->i);
}

const char* Check(const Aggregate& aggregate, const Accumulators& state,
                  Timestamp, Timestamp) {
  const int64_t count = aggregate.Cells(state)->i;
  return count < 0 || count > kMostAggregated ? "an impossible count" : nullptr;
}

constexpr AggregateKind kRecords = {
    1, false, FieldType::kInt64, true, AddRecords, Merge, Emit, Check};
constexpr AggregateKind kValues = {
    1, false, FieldType::kInt64, true, AddValid, Merge, Emit, Check};

}  // namespace

AggregateFunction CountFunction() {
  return {"count", "valid values; count() counts records",
          [](const SignalType* type) {
            return type == nullptr ? &kRecords : &kValues;
          },
          nullptr, AggregateFunction::Result::kNumber};
}

}  // namespace tacho
