#include "operators/operator_chain.h"

#include <string>
#include <utility>

#include "pipeline/base/check.h"

namespace tacho {

Status OperatorChain::Open(const SignalSchema& schema, LaneState& state,
                           const VehicleClock& clock, LaneMetrics& metrics,
                           const StreamSettings& settings,
                           OutputOptions options) {
  CHECK(!operators_.empty() && !operators_.back()->OutputSchema().empty());
  const std::string stream = options.stream;
  for (size_t i = 0; i < operators_.size(); ++i) {
    OperatorContext context{schema,
                            state,
                            clock,
                            metrics,
                            stream + "." + std::to_string(i) + ".",
                            settings.vehicle_idle_timeout,
                            settings.vehicle_forget};
    RETURN_IF_ERROR(operators_[i]->Open(context).With("stream " + stream));
  }
  emitter_.emplace(std::move(options), OutputSchema(), state, metrics);
  return Status::Ok();
}

Status OperatorChain::Start() {
  for (auto& step : operators_) RETURN_IF_ERROR(step->Start());
  return Status::Ok();
}

Status OperatorChain::Process(const Batch& batch, OutputBuffer& out,
                              uint64_t first_cause) {
  selection_.assign(batch.records(), 1);
  emitter_->SetTarget(&out, &batch, first_cause);
  for (auto& step : operators_) {
    RETURN_IF_ERROR(step->Process(batch, selection_, *emitter_));
  }
  return Status::Ok();
}

Status OperatorChain::Advance(Timestamp partition_time, OutputBuffer& out,
                              uint64_t cause) {
  emitter_->SetTarget(&out, nullptr, cause);
  for (auto& step : operators_) {
    RETURN_IF_ERROR(step->Advance(partition_time, *emitter_));
  }
  return Status::Ok();
}

void OperatorChain::Close() {
  for (auto& step : operators_) step->Close();
  emitter_.reset();
}

std::vector<OutputField> OperatorChain::OutputSchema() const {
  return operators_.back()->OutputSchema();
}

}  // namespace tacho
