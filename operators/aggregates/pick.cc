// first(x): the value of the least event time; ties: the earlier offset.
// last(x): the value of the greatest event time; ties: the later offset.
//
// Cells: the event time, and the value (a text is in Accumulators::texts).

#include <cmath>

#include "operators/aggregate_function.h"
#include "pipeline/base/utf8.h"

namespace tacho {
namespace {

using Cell = Accumulators::Cell;

bool ReplacesFirst(int64_t time, int64_t held) { return time < held; }
bool ReplacesLast(int64_t time, int64_t held) { return time >= held; }
using Replaces = bool (*)(int64_t time, int64_t held);

// A type of signal: how its value is kept, shown in a row, emitted and checked.
struct OfDouble {
  static constexpr FieldType kResult = FieldType::kDouble;
  static constexpr bool kIsText = false;
  static void Keep(const Aggregate& aggregate, size_t row, Accumulators& to) {
    aggregate.Cells(to)[1].d = aggregate.input.doubles[row];
  }
  static void Show(const Aggregate& aggregate, const Accumulators& state,
                   size_t row, Arena&, Column& to) {
    to.doubles[row] = aggregate.Cells(state)[1].d;
  }
  static void Emit(const Cell* cells, RowWriter& rows) {
    rows.Double(cells[1].d);
  }
  static const char* Check(const Cell* cells) {
    return std::isnan(cells[1].d) ? "a value that is not a number" : nullptr;
  }
};

struct OfWhole {
  static constexpr FieldType kResult = FieldType::kInt64;
  static constexpr bool kIsText = false;
  static void Keep(const Aggregate& aggregate, size_t row, Accumulators& to) {
    aggregate.Cells(to)[1].i = aggregate.input.ints[row];
  }
  static void Show(const Aggregate& aggregate, const Accumulators& state,
                   size_t row, Arena&, Column& to) {
    to.ints[row] = aggregate.Cells(state)[1].i;
  }
  static void Emit(const Cell* cells, RowWriter& rows) { rows.Int(cells[1].i); }
  static const char* Check(const Cell*) { return nullptr; }
};

struct OfBool {
  static constexpr FieldType kResult = FieldType::kBool;
  static constexpr bool kIsText = false;
  static void Keep(const Aggregate& aggregate, size_t row, Accumulators& to) {
    aggregate.Cells(to)[1].i = aggregate.input.bools[row] != 0;
  }
  static void Show(const Aggregate& aggregate, const Accumulators& state,
                   size_t row, Arena&, Column& to) {
    to.bools[row] = aggregate.Cells(state)[1].i != 0 ? 1 : 0;
  }
  static void Emit(const Cell* cells, RowWriter& rows) {
    rows.Bool(cells[1].i != 0);
  }
  static const char* Check(const Cell* cells) {
    return cells[1].i != 0 && cells[1].i != 1 ? "a bool that is neither"
                                              : nullptr;
  }
};

struct OfText {
  static constexpr FieldType kResult = FieldType::kText;
  static constexpr bool kIsText = true;
  static void Keep(const Aggregate& aggregate, size_t row, Accumulators& to) {
    to.texts[aggregate.text] = aggregate.input.strings[row];
  }
  static void Show(const Aggregate& aggregate, const Accumulators& state,
                   size_t row, Arena& arena, Column& to) {
    to.strings[row] = arena.Copy(state.texts[aggregate.text]);
  }
  static void Emit(const Cell*, RowWriter&) {}
  static const char* Check(const Cell*) { return nullptr; }
};

template <typename Type, Replaces kReplaces>
class PickKind {
 public:
  static const AggregateKind* Get() {
    static constexpr AggregateKind kKind = {2,     Type::kIsText, Type::kResult,
                                            false, Add,           Merge,
                                            Emit,  Check,         Follow};
    return &kKind;
  }

 private:
  static void AddRow(const Aggregate& aggregate, const AggregateRow& row) {
    const AggregateInput& input = aggregate.input;
    if (input.states[row.row] != CellState::kValid) return;
    Accumulators& state = *row.state;
    int64_t& held = aggregate.Cells(state)->i;
    const int64_t time = ToEpochMillis(input.times[row.row]);
    if (aggregate.Seen(state) && !kReplaces(time, held)) return;
    held = time;
    Type::Keep(aggregate, row.row, state);
    state.valid |= aggregate.bit;
  }

  static void Add(const Aggregate& aggregate,
                  std::span<const AggregateRow> rows) {
    for (const AggregateRow& row : rows) AddRow(aggregate, row);
  }

  static void Follow(const Aggregate& aggregate,
                     std::span<const AggregateRow> rows, size_t field,
                     Batch& out) {
    Column& value = out.columns[field];
    Column& time = out.columns[field + 1];
    for (const AggregateRow& row : rows) {
      AddRow(aggregate, row);
      const bool seen = aggregate.Seen(*row.state);
      const CellState cell = seen ? CellState::kValid : CellState::kNull;
      value.state[row.row] = cell;
      time.state[row.row] = cell;
      if (!seen) continue;
      time.ints[row.row] = aggregate.Cells(*row.state)->i;
      Type::Show(aggregate, *row.state, row.row, out.arena, value);
    }
  }

  static void Merge(const Aggregate& aggregate, const Accumulators& part,
                    Accumulators& state) {
    const Cell* const from = aggregate.Cells(part);
    Cell* const to = aggregate.Cells(state);
    if (aggregate.Seen(state) && !kReplaces(from->i, to->i)) return;
    to[0] = from[0];
    to[1] = from[1];
    if (Type::kIsText) state.texts[aggregate.text] = part.texts[aggregate.text];
    state.valid |= aggregate.bit;
  }

  static void Emit(const Aggregate& aggregate, const Accumulators& state,
                   RowWriter& rows) {
    if (Type::kIsText) return rows.CopyText(state.texts[aggregate.text]);
    Type::Emit(aggregate.Cells(state), rows);
  }

  static const char* Check(const Aggregate& aggregate,
                           const Accumulators& state, Timestamp start,
                           Timestamp end) {
    if (Type::kIsText && FindInvalidUtf8(state.texts[aggregate.text]) !=
                             std::string_view::npos) {
      return "a text that is not UTF-8";
    }
    if (!aggregate.Seen(state)) return nullptr;
    const Cell* const cells = aggregate.Cells(state);
    const Timestamp at = FromEpochMillis(cells->i);
    if (at < start || at >= end) return "a time outside its window";
    return Type::Check(cells);
  }
};

template <Replaces kReplaces>
const AggregateKind* Of(const SignalType* type) {
  if (type == nullptr) return nullptr;
  switch (*type) {
    case SignalType::kDouble:
      return PickKind<OfDouble, kReplaces>::Get();
    case SignalType::kInt64:
      return PickKind<OfWhole, kReplaces>::Get();
    case SignalType::kBool:
      return PickKind<OfBool, kReplaces>::Get();
    case SignalType::kString:
      break;
  }
  return PickKind<OfText, kReplaces>::Get();
}

}  // namespace

AggregateFunction FirstFunction() {
  return {"first", "the oldest, by event time", Of<ReplacesFirst>, nullptr};
}

AggregateFunction LastFunction() {
  return {"last", "the newest, by event time", Of<ReplacesLast>, nullptr};
}

}  // namespace tacho
