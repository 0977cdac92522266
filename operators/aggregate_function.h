#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "operators/accumulators.h"
#include "operators/row_writer.h"
#include "pipeline/base/batch.h"
#include "pipeline/base/signal.h"
#include "pipeline/base/time.h"

namespace tacho {

struct Aggregate;

// As many rows are added at once as leave what they are added to in the
// first-level cache from one aggregate to the next.
inline constexpr size_t kAggregateRows = 32;

// A row of a batch, and what it is added to.
struct AggregateRow {
  size_t row;
  Accumulators* state;
};

// The column that an aggregate reads, of the batch bound last. Which values are
// there is the column's type.
struct AggregateInput {
  const Timestamp* times = nullptr;  // The rows' event times.
  const CellState* states = nullptr;
  const double* doubles = nullptr;
  const int64_t* ints = nullptr;
  const uint8_t* bools = nullptr;
  const std::string_view* strings = nullptr;
};

// An aggregate function over one type of signal: how it folds, merges, checks
// and emits its cells. All are pure functions of their arguments.
struct AggregateKind {
  size_t cells;
  bool keeps_text;  // One of Accumulators::texts.
  FieldType result;
  // It is a number also where no value was valid; the others are null there.
  bool counts;
  // Adds rows in their order, a column at a time: one call a range. Sets the
  // aggregate's valid bit where it has seen a value. Hot.
  void (*add)(const Aggregate& aggregate, std::span<const AggregateRow> rows);
  // Adds what `part` has seen of records that are all older or all newer.
  // REQUIRES: part has seen a value, or `counts`.
  void (*merge)(const Aggregate& aggregate, const Accumulators& part,
                Accumulators& state);
  // REQUIRES: a value was seen, or `counts`.
  void (*emit)(const Aggregate& aggregate, const Accumulators& state,
               RowWriter& rows);
  // What is wrong with stored cells of records of [start, end); nullptr:
  // nothing, and the others may trust them.
  const char* (*check)(const Aggregate& aggregate, const Accumulators& state,
                       Timestamp start, Timestamp end);
  // Of functions that pick a value, else nullptr. Adds rows in their order and,
  // after each, writes at that row of `out` what is picked by then: the value
  // in the column `field`, and its event time, in ms, in the one after it; null
  // where there is none. Texts are copied into out's arena. Hot.
  void (*follow)(const Aggregate& aggregate, std::span<const AggregateRow> rows,
                 size_t field, Batch& out) = nullptr;
};

// A function of the job file: a row of AggregateFunctions().
struct AggregateFunction {
  std::string_view name;
  std::string_view help;  // Of function(x), in a few words.
  // Over a signal of that type; over records for nullptr. Returns nullptr for
  // what it does not take.
  const AggregateKind* (*of)(const SignalType* type);
  // What else is wrong with a signal of a type that it takes; "" if nothing.
  std::string (*refuse)(const Signal& signal);
  enum class Result : uint8_t {
    kQuantity,    // In the signal's dimension.
    kDifference,  // The same, and OutputField::relative. What is made of
                  // doubles is what a person would get who computes with the
                  // written decimals (exact_sum.h).
    kNumber,      // Without a dimension.
  };
  Result result = Result::kQuantity;
  // Its values are an odometer's steps, which the operator finds and adds.
  bool of_steps = false;
};

// An aggregate of a job.
struct Aggregate {
  const AggregateFunction* function = nullptr;
  const AggregateKind* kind = nullptr;
  size_t cell = 0;    // The first of its cells.
  size_t text = 0;    // Into Accumulators::texts, if it keeps one.
  uint64_t bit = 0;   // Of Accumulators::valid.
  size_t column = 0;  // Of the batch; of a function over records none.
  // The cells that hold the least and the greatest value of its signal, if
  // other aggregates of the set keep them.
  std::optional<size_t> least_cell;
  std::optional<size_t> greatest_cell;
  AggregateInput input;

  bool Seen(const Accumulators& state) const {
    return (state.valid & bit) != 0;
  }
  Accumulators::Cell* Cells(Accumulators& state) const {
    return state.cells() + cell;
  }
  const Accumulators::Cell* Cells(const Accumulators& state) const {
    return state.cells() + cell;
  }
};

// All functions, in the order in which they are listed for people.
const std::vector<AggregateFunction>& AggregateFunctions();
const AggregateFunction* FindAggregateFunction(std::string_view name);

// One pair of a line below and a file in operators/aggregates/ each.
AggregateFunction CountFunction();
AggregateFunction SumFunction();
AggregateFunction MinFunction();
AggregateFunction MaxFunction();
AggregateFunction MeanFunction();
AggregateFunction FirstFunction();
AggregateFunction LastFunction();
AggregateFunction DistanceFunction();

}  // namespace tacho
