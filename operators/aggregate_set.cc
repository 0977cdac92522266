#include "operators/aggregate_set.h"

#include "operators/exact_sum.h"

namespace tacho {

void AggregateSet::Bind(const Batch& batch) {
  for (Aggregate& aggregate : aggregates_) {
    AggregateInput& input = aggregate.input;
    input.times = batch.event_time.data();
    if (aggregate.column >= batch.columns.size()) continue;
    const Column& column = batch.columns[aggregate.column];
    input.states = column.state.data();
    input.doubles = column.doubles.data();
    input.ints = column.ints.data();
    input.bools = column.bools.data();
    input.strings = column.strings.data();
  }
}

void AggregateSet::Merge(const Accumulators& part, Accumulators& state) const {
  for (const Aggregate& aggregate : aggregates_) {
    const AggregateKind& kind = *aggregate.kind;
    if (kind.counts || aggregate.Seen(part)) kind.merge(aggregate, part, state);
  }
}

void AggregateSet::Distance::Add(Accumulators& state, int64_t step) const {
  int64_t& sum = state.cells()[cell].i;
  sum = AddSteps(sum, step);
  state.valid |= bit;
}

const char* AggregateSet::Check(const Accumulators& state, Timestamp start,
                                Timestamp end) const {
  if (state.size() != cells_ || state.texts.size() != texts_) {
    return "a window of another layout";
  }
  const uint64_t known = aggregates_.size() == kMaxAggregates
                             ? ~uint64_t{0}
                             : (uint64_t{1} << aggregates_.size()) - 1;
  if ((state.valid & ~known) != 0) return "a valid bit of no aggregate";
  for (const Aggregate& aggregate : aggregates_) {
    const char* const wrong =
        aggregate.kind->check(aggregate, state, start, end);
    if (wrong != nullptr) return wrong;
  }
  return nullptr;
}

void AggregateSet::Emit(const Accumulators& state, RowWriter& rows) const {
  for (const Aggregate& aggregate : aggregates_) {
    if (aggregate.kind->counts || aggregate.Seen(state)) {
      aggregate.kind->emit(aggregate, state, rows);
    } else {
      rows.Null();
    }
  }
}

size_t AggregateSet::heap_bytes() const {
  const size_t cells = cells_ > Accumulators::kInlineCells
                           ? cells_ * sizeof(Accumulators::Cell)
                           : 0;
  return cells + texts_ * 2 * sizeof(std::string);
}

}  // namespace tacho
