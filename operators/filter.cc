#include "operators/filter.h"

#include <utility>

#include "operators/params.h"

namespace tacho {

Status Filter::Open(OperatorContext& context) {
  metrics_ = &context.metrics;
  return Status::Ok();
}

Status Filter::Process(const Batch& batch, RowRange& range,
                       Selection& selection, RowWriter&) {
  condition_.Evaluate(batch, range, truths_);
  uint64_t refused = 0;
  for (size_t& row = range.row; row < range.end; ++row) {
    const auto taken = static_cast<uint8_t>(truths_[row] == Truth::kTrue);
    refused += selection[row] & (taken ^ 1U);
    selection[row] = selection[row] & taken;
  }
  if (refused > 0) metrics_->filtered.Add(refused);
  return Status::Ok();
}

namespace {

std::unique_ptr<Operator> Make(const OperatorParams& params,
                               const SignalSchema& schema,
                               const StreamSettings&,
                               std::vector<ParamError>& errors) {
  auto condition = CompileParam<Condition>(params, "condition", schema, errors);
  if (!condition.has_value()) return nullptr;
  return std::make_unique<Filter>(*std::move(condition));
}

}  // namespace

OperatorType FilterType() {
  return {"filter",
          "Lets only the records through for which the condition is true.",
          "condition",
          RowKind::kNone,
          {{"condition", ParamKind::kExpression, true, "",
            "Condition over signals; a record for which it is unknown is "
            "refused."}},
          Make};
}

}  // namespace tacho
