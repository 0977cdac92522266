#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "operators/aggregate_set.h"
#include "operators/operator.h"
#include "operators/registry.h"

namespace tacho {

// Makes a row of every record: the newest valid value of each named signal of
// its vehicle, and how old it is.
//
// Newest is the greatest event time (ties: the later offset) among records that
// no filter refused, the row's own among them. An age is from the value's time
// to the vehicle's greatest event time so far, so that a record that comes in
// disorder does not make a value younger than it is. A signal without a value
// yet has none, and no age. What is remembered of a vehicle is forgotten with
// it: a record after vehicle_forget starts anew.
//
// Outputs: vehicle_id, time (the record's event time), then for each signal its
// value and <signal>_age_ms.
// State: "values", key (vehicle, 0): what `last` of each signal keeps.
class LastValue final : public Operator {
 public:
  LastValue(AggregateSet newest, std::vector<Signal> signals)
      : newest_(std::move(newest)), signals_(std::move(signals)) {}

  Status Open(OperatorContext& context) override;
  Status Process(const Batch& batch, RowRange& range, Selection& selection,
                 RowWriter& rows) override;
  Status OnForget(VehicleIndex vehicle, RowWriter& rows) override;
  RowSchema OutputSchema() const override;
  void Close() override { values_ = nullptr; }

 private:
  // The values and ages of rows_.
  void FillRows(const Batch& batch, Batch& out);

  AggregateSet newest_;
  std::vector<Signal> signals_;
  StateTable<Accumulators>* values_ = nullptr;
  std::vector<AggregateRow> rows_;  // To be filled; at most kAggregateRows.
};

OperatorType LastValueType();

}  // namespace tacho
