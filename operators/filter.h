#pragma once

#include <vector>

#include "operators/expression/expression.h"
#include "operators/operator.h"
#include "operators/registry.h"

namespace tacho {

// Lets the rows through for which its condition is true; not those for which
// it is unknown. Counts what it refuses. No state.
class Filter final : public Operator {
 public:
  explicit Filter(Condition condition) : condition_(std::move(condition)) {}

  Status Open(OperatorContext& context) override;
  Status Process(const Batch& batch, RowRange& range, Selection& selection,
                 RowWriter& rows) override;
  RowSchema OutputSchema() const override { return {}; }
  void Close() override {}

 private:
  Condition condition_;
  std::vector<Truth> truths_;
  LaneMetrics* metrics_ = nullptr;
};

OperatorType FilterType();

}  // namespace tacho
