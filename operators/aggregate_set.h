#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "operators/accumulators.h"
#include "operators/aggregate_function.h"
#include "operators/registry.h"
#include "operators/row_writer.h"
#include "pipeline/base/batch.h"
#include "pipeline/base/signal.h"

namespace tacho {

// The aggregates of one operator, in file order: compiled from the job, then
// fed range by range. Functions are in operators/aggregates/.
//
// All are over valid values only, and null without one, but for counts. What is
// made of an int64 is exact: min, max, first, last, sum and distance are int64,
// the mean is rounded once.
//
// Threading: one thread at a time.
class AggregateSet {
 public:
  // Appends every error, at its text; nullopt if there was one.
  static std::optional<AggregateSet> Compile(const ParamValue& aggregates,
                                             const SignalSchema& schema,
                                             std::vector<ParamError>& errors);

  // An aggregate of an odometer's steps.
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
  // Adds rows of the batch in their order; distances are the operator's
  // business.
  void Add(std::span<const AggregateRow> rows) const {
    for (const Aggregate& a : aggregates_) a.kind->add(a, rows);
  }
  // Adds what another set of accumulators, of records that are all older or
  // all newer, has seen.
  void Merge(const Accumulators& part, Accumulators& state) const;
  // What is wrong with stored accumulators of records of [start, end);
  // nullptr: nothing, and the other calls may trust them.
  const char* Check(const Accumulators& state, Timestamp start,
                    Timestamp end) const;
  // Writes one field per aggregate.
  void Emit(const Accumulators& state, RowWriter& rows) const;
  // AggregateKind::follow of the set's aggregate number `aggregate`, a `first`
  // or a `last`.
  void Follow(size_t aggregate, std::span<const AggregateRow> rows,
              size_t field, Batch& out) const {
    const Aggregate& one = aggregates_[aggregate];
    one.kind->follow(one, rows, field, out);
  }

  const RowSchema& fields() const { return fields_; }
  const std::vector<Distance>& distances() const { return distances_; }
  // Columns of the signals that distances are made of, each once.
  const std::vector<size_t>& odometers() const { return odometers_; }
  // Memory of one Accumulators beyond itself.
  size_t heap_bytes() const;
  // Functions, signals, types and dimensions, in order: for the fingerprint.
  const std::string& description() const { return description_; }

 private:
  AggregateSet() = default;
  void CompileOne(const ParamValue& param, const SignalSchema& schema,
                  std::vector<ParamError>& errors);
  void Append(const std::string& name, const AggregateFunction& function,
              const AggregateKind& kind, size_t column, const Signal* signal);
  void AppendDistance(const Aggregate& aggregate);
  void FindExtremes();

  std::vector<Aggregate> aggregates_;
  RowSchema fields_;
  std::vector<Distance> distances_;
  std::vector<size_t> odometers_;
  size_t cells_ = 0;
  size_t texts_ = 0;
  std::string description_;
};

}  // namespace tacho
