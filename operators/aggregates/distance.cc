// distance(x): the sum of the positive steps of an odometer, which the operator
// finds (WindowAggregate). Steps of doubles are differences of decimals
// (exact_sum.h). A sum that leaves its type is null, and counted.

#include "operators/aggregates/number_kind.h"
#include "operators/exact_sum.h"
#include "pipeline/base/suggestion.h"
#include "pipeline/base/units.h"

namespace tacho {
namespace {

using Cell = Accumulators::Cell;

void AddNothing(const Aggregate&, std::span<const AggregateRow>) {}

void Merge(const Aggregate& aggregate, const Accumulators& part,
           Accumulators& state) {
  int64_t& sum = aggregate.Cells(state)->i;
  sum = AddSteps(sum, aggregate.Cells(part)->i);
  state.valid |= aggregate.bit;
}

template <bool kWhole>
void Emit(const Aggregate& aggregate, const Accumulators& state,
          RowWriter& rows) {
  const int64_t sum = aggregate.Cells(state)->i;
  if (sum == kBeyond) return rows.Overflow();
  if (kWhole) return rows.Int(sum);
  rows.Double(FromDecimal(sum));
}

const char* Check(const Aggregate& aggregate, const Accumulators& state,
                  Timestamp, Timestamp) {
  return aggregate.Cells(state)->i < kBeyond ? "a distance out of range"
                                             : nullptr;
}

constexpr AggregateKind kDouble = {
    1, false, FieldType::kDouble, false, AddNothing, Merge, Emit<false>, Check};
constexpr AggregateKind kWhole = {1,          false, FieldType::kInt64, false,
                                  AddNothing, Merge, Emit<true>,        Check};

const AggregateKind* Of(const SignalType* type) {
  if (type == nullptr) return nullptr;
  if (*type == SignalType::kDouble) return &kDouble;
  return *type == SignalType::kInt64 ? &kWhole : nullptr;
}

std::string Refuse(const Signal& signal) {
  if (signal.dimension == Dimension::kDistance ||
      signal.dimension == Dimension::kNone) {
    return "";
  }
  return "distance needs an odometer; " + Quoted(signal.name) + " is in " +
         std::string(CanonicalUnit(signal.dimension));
}

}  // namespace

AggregateFunction DistanceFunction() {
  return {"distance", "what an odometer has gained",          Of,
          Refuse,     AggregateFunction::Result::kDifference, true};
}

}  // namespace tacho
