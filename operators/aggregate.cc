#include "operators/aggregate.h"

#include <algorithm>
#include <bit>
#include <cmath>

#include "pipeline/base/check.h"

namespace tacho {

namespace {

using Cell = Accumulators::Cell;

Int128 Wide(const Cell* cells) { return Join(cells[0].i, cells[1].i); }

void SetWide(Cell* cells, Int128 value) {
  const WideWords words = Split(value);
  cells[0].i = words.low;
  cells[1].i = words.high;
}

void EmitWhole(Int128 value, RowWriter& rows) {
  const std::optional<int64_t> narrow = Narrow(value);
  return narrow.has_value() ? rows.Int(*narrow) : rows.Overflow();
}

void EmitSum(double value, RowWriter& rows) {
  return std::isfinite(value) ? rows.Double(value) : rows.Overflow();
}

}  // namespace

void Accumulators::Reset() {
  valid = 0;
  size_ = 0;
  // Texts keep their capacity; Resize empties those that are used.
}

void Accumulators::Resize(size_t size, size_t text_count) {
  valid = 0;
  size_ = static_cast<uint32_t>(size);
  inline_ = {};
  if (size > kInlineCells) more_.assign(size, Cell{});
  texts.resize(text_count);
  for (std::string& text : texts) text.clear();
}

void Accumulators::Encode(ByteWriter& out) const {
  out.Varint(size_);
  out.Varint(texts.size());
  out.Varint(valid);
  for (size_t i = 0; i < size_; ++i) out.I64(cells()[i].i);
  for (const std::string& text : texts) out.Bytes(text);
}

bool Accumulators::Decode(ByteReader& in) {
  const uint64_t size = in.Varint();
  const uint64_t text_count = in.Varint();
  // Never more than the bytes that are left, whatever the stored sizes say.
  if (size > in.left() / sizeof(Cell) || text_count > in.left() ||
      text_count > kMaxAggregates) {
    return false;
  }
  Resize(size, text_count);
  valid = in.Varint();
  for (size_t i = 0; i < size; ++i) cells()[i].i = in.I64();
  for (std::string& text : texts) text = in.Bytes();
  return in.ok();
}

void AggregateSet::Bind(const Batch& batch) {
  for (Step& step : steps_) {
    if (step.op == Op::kCount) continue;
    const Column& column = batch.columns[step.column];
    step.states = column.state.data();
    step.doubles = column.doubles.data();
    step.integers = column.ints.data();
    step.bools = column.bools.data();
    step.strings = column.strings.data();
  }
}

void AggregateSet::Add(Accumulators& state, size_t row,
                       Timestamp event_time) const {
  Accumulators::Cell* const cells = state.cells();
  const int64_t time = ToEpochMillis(event_time);
  for (const Step& step : steps_) {
    Accumulators::Cell* const c = cells + step.cell;
    if (step.op == Op::kCount) {
      ++c->i;
      continue;
    }
    if (step.states[row] != CellState::kValid) continue;
    const bool seen = (state.valid & step.bit) != 0;
    switch (step.op) {
      case Op::kCountValid:
        ++c->i;
        break;
      case Op::kSum:
        AddCompensated(step.doubles[row], c[0].d, c[1].d);
        break;
      case Op::kSumInteger:
        SetWide(c, Wide(c) + step.integers[row]);
        break;
      case Op::kMean:
        AddToMean(step.doubles[row], c[0].d, c[1].d, c[2].i);
        break;
      case Op::kMeanInteger:
        SetWide(c, Wide(c) + step.integers[row]);
        ++c[2].i;
        break;
      case Op::kMin:
        if (!seen || step.doubles[row] < c->d) c->d = step.doubles[row];
        break;
      case Op::kMinInteger:
        if (!seen || step.integers[row] < c->i) c->i = step.integers[row];
        break;
      case Op::kMax:
        if (!seen || step.doubles[row] > c->d) c->d = step.doubles[row];
        break;
      case Op::kMaxInteger:
        if (!seen || step.integers[row] > c->i) c->i = step.integers[row];
        break;
      case Op::kFirst:
      case Op::kFirstInteger:
      case Op::kFirstBool:
      case Op::kFirstText:
        if (seen && time >= c[0].i) break;
        c[0].i = time;
        Take(step, row, state);
        break;
      case Op::kLast:
      case Op::kLastInteger:
      case Op::kLastBool:
      case Op::kLastText:
        if (seen && time < c[0].i) break;
        c[0].i = time;
        Take(step, row, state);
        break;
      case Op::kCount:
      case Op::kDistance:
      case Op::kDistanceInteger:
        continue;
    }
    state.valid |= step.bit;
  }
}

void AggregateSet::Distance::Add(Accumulators& state, int64_t step) const {
  int64_t& sum = state.cells()[cell].i;
  sum = AddSteps(sum, step);
  state.valid |= bit;
}

// Keeps the row's value as the first or last one.
void AggregateSet::Take(const Step& step, size_t row, Accumulators& state) {
  Accumulators::Cell* const value = state.cells() + step.cell + 1;
  switch (step.op) {
    case Op::kFirst:
    case Op::kLast:
      value->d = step.doubles[row];
      break;
    case Op::kFirstInteger:
    case Op::kLastInteger:
      value->i = step.integers[row];
      break;
    case Op::kFirstBool:
    case Op::kLastBool:
      value->i = step.bools[row] != 0;
      break;
    default:
      state.texts[step.text] = step.strings[row];
  }
}

void AggregateSet::Emit(const Accumulators& state, RowWriter& rows) const {
  for (const Step& step : steps_) EmitStep(step, state, rows);
}

std::optional<Timestamp> AggregateSet::PickedAt(const Accumulators& state,
                                                size_t aggregate) const {
  const Step& step = steps_[aggregate];
  if ((state.valid & step.bit) == 0) return std::nullopt;
  return FromEpochMillis(state.cells()[step.cell].i);
}

void AggregateSet::EmitStep(const Step& step, const Accumulators& state,
                            RowWriter& rows) {
  const Accumulators::Cell* const c = state.cells() + step.cell;
  if (step.op == Op::kCount || step.op == Op::kCountValid) {
    return rows.Int(c->i);
  }
  if ((state.valid & step.bit) == 0) return rows.Null();
  switch (step.op) {
    case Op::kSum:
      return EmitSum(c[0].d + c[1].d, rows);
    case Op::kSumInteger:
      return EmitWhole(Wide(c), rows);
    case Op::kDistanceInteger:
      return c->i == kBeyond ? rows.Overflow() : rows.Int(c->i);
    case Op::kDistance:
      return c->i == kBeyond ? rows.Overflow() : rows.Double(FromDecimal(c->i));
    case Op::kMin:
    case Op::kMax:
      return rows.Double(c->d);
    case Op::kMinInteger:
    case Op::kMaxInteger:
      return rows.Int(c->i);
    case Op::kMean:
      return rows.Double(BoundedMean(step, state));
    case Op::kMeanInteger:
      return rows.Double(Mean(Wide(c), c[2].i));
    case Op::kFirst:
    case Op::kLast:
      return rows.Double(c[1].d);
    case Op::kFirstInteger:
    case Op::kLastInteger:
      return rows.Int(c[1].i);
    case Op::kFirstBool:
    case Op::kLastBool:
      return rows.Bool(c[1].i != 0);
    case Op::kFirstText:
    case Op::kLastText:
      return rows.CopyText(state.texts[step.text]);
    case Op::kCount:
    case Op::kCountValid:
      break;
  }
  CHECK(false);
}

// Rounding cannot take the mean of fewer than 2^26 values out of their range.
// Who is told that range sees no mean outside it, however many there are.
double AggregateSet::BoundedMean(const Step& step, const Accumulators& state) {
  const Cell* const c = state.cells() + step.cell;
  double mean = Mean(c[0].d, c[1].d, c[2].i);
  if (step.least_cell) {
    mean = std::max(mean, state.cells()[*step.least_cell].d);
  }
  if (step.greatest_cell) {
    mean = std::min(mean, state.cells()[*step.greatest_cell].d);
  }
  return mean;
}

}  // namespace tacho
