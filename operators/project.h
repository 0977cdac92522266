#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "operators/expression/expression.h"
#include "operators/operator.h"
#include "operators/registry.h"

namespace tacho {

// Makes a row of every record: its vehicle, its time, and fields that are
// signals under another name, or what an expression makes of them.
//
// A signal alone keeps its type, its unit and the state of its cells. Anything
// else is a number (a double, in the dimension that the expression has) or a
// condition (a bool); where that is unknown the field is null.
//
// Outputs: vehicle_id, time (the record's event time), then the fields.
// State: none.
class Project final : public Operator {
 public:
  struct Field {
    OutputField output;
    // One of the three.
    std::optional<size_t> column;
    std::optional<Quantity> quantity;
    std::optional<Condition> condition;
  };
  explicit Project(std::vector<Field> fields) : fields_(std::move(fields)) {}

  Status Open(OperatorContext&) override { return Status::Ok(); }
  Status Process(const Batch& batch, RowRange& range, Selection& selection,
                 RowWriter& rows) override;
  RowSchema OutputSchema() const override;
  void Close() override {}

 private:
  void FillQuantity(const Batch& batch, const RowRange& range,
                    Quantity& quantity, Column& to);
  void FillCondition(const Batch& batch, const RowRange& range,
                     Condition& condition, Column& to);

  std::vector<Field> fields_;

  // Of the batch being processed.
  std::vector<double> values_;
  std::vector<uint8_t> known_;
  std::vector<Truth> truths_;
};

OperatorType ProjectType();

}  // namespace tacho
