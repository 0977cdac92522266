#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operators/exact_sum.h"
#include "operators/registry.h"
#include "operators/row_writer.h"
#include "pipeline/base/batch.h"
#include "pipeline/base/signal.h"
#include "state/codec.h"

namespace tacho {

// Functions of one operator; their valid bits fit one word.
inline constexpr size_t kMaxAggregates = 64;

// Accumulators of one window: what the window table holds. Its layout belongs
// to the AggregateSet that filled it.
class Accumulators {
 public:
  union Cell {
    int64_t i;
    double d;
  };
  static constexpr size_t kInlineCells = 12;

  void Reset();
  void Encode(ByteWriter& out) const;
  bool Decode(ByteReader& in);

  // Sets `size` cells to zero.
  void Resize(size_t size, size_t texts);

  Cell* cells() {
    return size_ <= kInlineCells ? inline_.data() : more_.data();
  }
  const Cell* cells() const {
    return size_ <= kInlineCells ? inline_.data() : more_.data();
  }
  size_t size() const { return size_; }

  uint64_t valid = 0;  // Bit n: aggregate n has seen a value.
  std::vector<std::string> texts;

 private:
  uint32_t size_ = 0;
  std::array<Cell, kInlineCells> inline_ = {};
  std::vector<Cell> more_;
};

// The aggregates of one operator, in file order: compiled from the job, then
// fed row by row.
//
//   count()      records                      count(x)  valid values of x
//   sum(x) min(x) max(x) mean(x)              numbers only
//   first(x)     value of the least event time; ties: the earlier offset
//   last(x)      value of the greatest event time; ties: the later offset
//   distance(x)  sum of the positive steps of an odometer (see WindowAggregate)
//
// Over valid values only; all but counts are null without one. What is made of
// an int64 is exact: min, max, first, last, sum and distance are int64, the
// mean is rounded once. Sums of doubles are compensated left folds in record
// order; a mean lies between min and max, and the mean of equal values is
// their value. Distances are sums of decimals (exact_sum.h). A sum or distance
// that leaves its type is null, and counted (LaneMetrics::sum_overflow).
//
// Threading: one thread at a time.
class AggregateSet {
 public:
  // Appends every error, at its text; nullopt if there was one.
  static std::optional<AggregateSet> Compile(const ParamValue& aggregates,
                                             const SignalSchema& schema,
                                             std::vector<ParamError>& errors);

  // An aggregate that sums the steps of an odometer; the operator finds them.
  struct Distance {
    size_t odometer;  // Into odometers().
    size_t cell;
    uint64_t bit;

    // `step` may be kBeyond: then there is no distance.
    void Add(Accumulators& state, int64_t step) const;
  };

  void Init(Accumulators& state) const { state.Resize(cells_, texts_); }
  // Points at the batch's columns. Before Add, once per batch.
  void Bind(const Batch& batch);
  // Adds a row; distances are the operator's business.
  void Add(Accumulators& state, size_t row, Timestamp event_time) const;
  // Adds what another window, of records that are all older or all newer, has
  // seen.
  void Merge(const Accumulators& part, Accumulators& state) const;
  // What is wrong with a stored window [start, end) of this set; nullptr:
  // nothing, and Add and Emit may trust it.
  const char* Check(const Accumulators& state, Timestamp start,
                    Timestamp end) const;
  // Writes one field per aggregate.
  void Emit(const Accumulators& state, RowWriter& rows) const;
  // The field of one of them.
  void EmitOne(const Accumulators& state, size_t aggregate,
               RowWriter& rows) const {
    EmitStep(steps_[aggregate], state, rows);
  }
  // The event time of what a `first` or `last` has picked, if it has.
  std::optional<Timestamp> PickedAt(const Accumulators& state,
                                    size_t aggregate) const;

  const RowSchema& fields() const { return fields_; }
  const std::vector<Distance>& distances() const { return distances_; }
  // Columns of the signals that distances are made of, each once.
  const std::vector<size_t>& odometers() const { return odometers_; }
  size_t cells() const { return cells_; }
  size_t texts() const { return texts_; }
  // Functions, signals, types and dimensions, in order: for the fingerprint.
  const std::string& description() const { return description_; }

 private:
  // Function and type of its signal in one: the hot loop switches once.
  enum class Op : uint8_t {
    kCount,
    kCountValid,
    kSum,
    kSumInteger,
    kMin,
    kMinInteger,
    kMax,
    kMaxInteger,
    kMean,
    kMeanInteger,
    kFirst,
    kFirstInteger,
    kFirstBool,
    kFirstText,
    kLast,
    kLastInteger,
    kLastBool,
    kLastText,
    kDistance,
    kDistanceInteger,
  };
  struct Step {
    Op op = Op::kCount;
    uint32_t cell = 0;
    uint32_t text = 0;
    uint64_t bit = 0;
    size_t column = 0;
    // Of a mean: the steps that keep the least and greatest of its signal, if
    // there are any.
    std::optional<uint32_t> least_cell;
    std::optional<uint32_t> greatest_cell;
    // Of the batch bound last.
    const CellState* states = nullptr;
    const double* doubles = nullptr;
    const int64_t* integers = nullptr;
    const uint8_t* bools = nullptr;
    const std::string_view* strings = nullptr;
  };

  AggregateSet() = default;
  void CompileOne(const ParamValue& param, const SignalSchema& schema,
                  std::vector<ParamError>& errors);
  void AddStep(const std::string& name, size_t function, size_t column,
               const Signal* signal);
  void AddDistance(const Step& step);
  void SetPick(Step& step, OutputField& field, bool first, SignalType type);
  void BoundMeans();
  static void Take(const Step& step, size_t row, Accumulators& state);
  static void MergeStep(const Step& step, const Accumulators& part,
                        Accumulators& state);
  static const char* CheckStep(const Step& step, const Accumulators& state,
                               Timestamp start, Timestamp end);
  static void EmitStep(const Step& step, const Accumulators& state,
                       RowWriter& rows);
  static double BoundedMean(const Step& step, const Accumulators& state);

  std::vector<Step> steps_;
  RowSchema fields_;
  std::vector<Distance> distances_;
  std::vector<size_t> odometers_;
  size_t cells_ = 0;
  size_t texts_ = 0;
  std::string description_;
};

}  // namespace tacho
