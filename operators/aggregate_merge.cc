#include "operators/aggregate.h"
#include "operators/exact_sum.h"

namespace tacho {
namespace {

using Cell = Accumulators::Cell;

void AddWide(const Cell* part, Cell* sum) {
  const WideWords words =
      Split(Join(sum[0].i, sum[1].i) + Join(part[0].i, part[1].i));
  sum[0].i = words.low;
  sum[1].i = words.high;
}

}  // namespace

void AggregateSet::Merge(const Accumulators& part, Accumulators& state) const {
  for (const Step& step : steps_) {
    if (step.op == Op::kCount) {
      state.cells()[step.cell].i += part.cells()[step.cell].i;
    } else if ((part.valid & step.bit) != 0) {
      MergeStep(step, part, state);
      state.valid |= step.bit;
    }
  }
}

void AggregateSet::MergeStep(const Step& step, const Accumulators& part,
                             Accumulators& state) {
  const Cell* const from = part.cells() + step.cell;
  Cell* const to = state.cells() + step.cell;
  const bool seen = (state.valid & step.bit) != 0;
  bool take = !seen;
  switch (step.op) {
    case Op::kCount:
    case Op::kCountValid:
      to->i += from->i;
      return;
    case Op::kSum:
      return MergeCompensated(from[0].d, from[1].d, to[0].d, to[1].d);
    case Op::kSumInteger:
      return AddWide(from, to);
    case Op::kMean:
      return MergeMean(from[0].d, from[1].d, from[2].i, to[0].d, to[1].d,
                       to[2].i);
    case Op::kMeanInteger:
      to[2].i += from[2].i;
      return AddWide(from, to);
    case Op::kDistance:
    case Op::kDistanceInteger:
      to->i = AddSteps(to->i, from->i);
      return;
    case Op::kMin:
      if (take || from->d < to->d) *to = *from;
      return;
    case Op::kMinInteger:
      if (take || from->i < to->i) *to = *from;
      return;
    case Op::kMax:
      if (take || from->d > to->d) *to = *from;
      return;
    case Op::kMaxInteger:
      if (take || from->i > to->i) *to = *from;
      return;
    case Op::kFirst:
    case Op::kFirstInteger:
    case Op::kFirstBool:
    case Op::kFirstText:
      take = take || from[0].i < to[0].i;
      break;
    case Op::kLast:
    case Op::kLastInteger:
    case Op::kLastBool:
    case Op::kLastText:
      take = take || from[0].i >= to[0].i;
      break;
  }
  if (!take) return;
  to[0] = from[0];
  if (step.op == Op::kFirstText || step.op == Op::kLastText) {
    state.texts[step.text] = part.texts[step.text];
  } else {
    to[1] = from[1];
  }
}

}  // namespace tacho
