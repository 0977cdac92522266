#include "operators/aggregate.h"

#include <algorithm>
#include <bit>

#include "pipeline/base/check.h"

namespace tacho {

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
  if (size > in.left() / sizeof(Cell) || text_count > in.left()) return false;
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
        c->d += step.doubles[row];
        break;
      case Op::kSumInteger:
        c->d += static_cast<double>(step.integers[row]);
        break;
      case Op::kMean:
        c[0].d += step.doubles[row];
        ++c[1].i;
        break;
      case Op::kMeanInteger:
        c[0].d += static_cast<double>(step.integers[row]);
        ++c[1].i;
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
        continue;
    }
    state.valid |= step.bit;
  }
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

void AggregateSet::Emit(const Accumulators& state, Emitter& emitter) const {
  for (const Step& step : steps_) EmitStep(step, state, emitter);
}

void AggregateSet::EmitStep(const Step& step, const Accumulators& state,
                            Emitter& emitter) {
  const Accumulators::Cell* const c = state.cells() + step.cell;
  if (step.op == Op::kCount || step.op == Op::kCountValid) {
    return emitter.Int(c->i);
  }
  if ((state.valid & step.bit) == 0) return emitter.Null();
  switch (step.op) {
    case Op::kSum:
    case Op::kSumInteger:
    case Op::kMin:
    case Op::kMax:
    case Op::kDistance:
      return emitter.Double(c->d);
    case Op::kMinInteger:
    case Op::kMaxInteger:
      return emitter.Int(c->i);
    case Op::kMean:
    case Op::kMeanInteger:
      return emitter.Double(c[0].d / static_cast<double>(c[1].i));
    case Op::kFirst:
    case Op::kLast:
      return emitter.Double(c[1].d);
    case Op::kFirstInteger:
    case Op::kLastInteger:
      return emitter.Int(c[1].i);
    case Op::kFirstBool:
    case Op::kLastBool:
      return emitter.Bool(c[1].i != 0);
    case Op::kFirstText:
    case Op::kLastText:
      return emitter.Text(state.texts[step.text]);
    case Op::kCount:
    case Op::kCountValid:
      break;
  }
  CHECK(false);
}

}  // namespace tacho
