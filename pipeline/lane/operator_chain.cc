#include "pipeline/lane/operator_chain.h"

#include <algorithm>
#include <string>
#include <utility>

#include "pipeline/base/check.h"

namespace tacho {

OperatorChain::OperatorChain(std::vector<std::unique_ptr<Operator>> operators) {
  for (auto& op : operators) steps_.push_back({std::move(op), {}, {}, 0});
}

Status OperatorChain::Open(const SignalSchema& schema, LaneState& state,
                           const VehicleClock& clock, LaneMetrics& metrics,
                           const StreamSettings& settings,
                           OutputOptions options) {
  CHECK(!steps_.empty() && !OutputSchema().empty());
  const std::string stream = options.stream;
  clock_ = &clock;
  timers_.emplace(state, clock);
  output_.emplace(std::move(options), OutputSchema(), metrics);
  first_ranged_ = steps_.size();
  SignalSchema columns = schema;
  for (size_t i = 0; i < steps_.size(); ++i) {
    Step& step = steps_[i];
    step.columns = std::make_unique<SignalSchema>(std::move(columns));
    OperatorContext context{*step.columns,
                            state,
                            clock,
                            metrics,
                            *timers_,
                            i,
                            stream + "." + std::to_string(i) + ".",
                            settings.vehicle_idle_timeout,
                            settings.vehicle_forget};
    const size_t tables = state.tables();
    const size_t timers = timers_->size();
    RETURN_IF_ERROR(step.op->Open(context).With("stream " + stream));
    const bool has_state = state.tables() > tables;
    CHECK(has_state || timers_->size() == timers);  // Timers are of entries.
    if (has_state) first_ranged_ = std::min(first_ranged_, i);
    step.rows =
        std::make_unique<RowWriter>(step.op->OutputSchema(), *output_, metrics);
    columns = ColumnsAfter(*step.op, *step.columns);
  }
  return Status::Ok();
}

Status OperatorChain::Start() {
  for (Step& step : steps_) RETURN_IF_ERROR(step.op->Start());
  return Status::Ok();
}

Status OperatorChain::Process(const Batch& batch, OutputBuffer& out,
                              uint64_t first_cause,
                              std::vector<uint8_t>* late_rows) {
  selection_.assign(batch.records(), 1);
  output_->SetTarget(&out, &batch, first_cause, late_rows);
  return Run(batch);
}

Status OperatorChain::ProcessRows(const Batch& rows, const Selection& selected,
                                  const Batch* records, OutputBuffer& out,
                                  uint64_t first_cause) {
  selection_ = selected;
  output_->SetTarget(&out, records, first_cause);
  output_->SetRows(&rows);
  return Run(rows);
}

// Without state nothing is due, and nothing to be forgotten: such operators, as
// long as they come first, get the batch as a whole.
Status OperatorChain::Run(const Batch& batch) {
  if (batch.records() == 0) return Status::Ok();
  for (Step& step : steps_) {
    step.done = 0;
    step.rows->SetInput(&batch);
  }
  const Batch* input = &batch;
  for (size_t i = 0; i < first_ranged_; ++i) {
    RowRange whole(0, batch.records());
    ASSIGN_OR_RETURN(input, RunStep(steps_[i], input, whole));
  }
  if (first_ranged_ < steps_.size()) RETURN_IF_ERROR(Walk(batch, input));
  Step& last = steps_.back();
  last.rows->Flush(last.rows->aligned() ? selection_.data() : nullptr);
  for (Step& step : steps_) step.rows->Clear();
  return Status::Ok();
}

Status OperatorChain::Walk(const Batch& batch, const Batch* input) {
  timers_->Begin(batch);
  const Status walked = WalkRows(batch, input);
  timers_->End();
  return walked;
}

Status OperatorChain::WalkRows(const Batch& batch, const Batch* input) {
  auto fresh = clock_->fresh_rows().begin();
  const auto fresh_end = clock_->fresh_rows().end();
  for (size_t row = 0; row < batch.records();) {
    const bool is_fresh = fresh != fresh_end && *fresh == row;
    if (is_fresh) ++fresh;
    RETURN_IF_ERROR(MoveTimeTo(batch, row, is_fresh));
    size_t end = timers_->NextStop(row);
    if (fresh != fresh_end) end = std::min<size_t>(end, *fresh);
    ASSIGN_OR_RETURN(row, RunSteps(input, row, end, is_fresh));
  }
  return Status::Ok();
}

// Gives each operator the rows up to `end`, or to where a timer that it sets is
// due; returns the row that all of them have come to. One that is further has
// nothing due before that.
Result<size_t> OperatorChain::RunSteps(const Batch* input, size_t begin,
                                       size_t end, bool fresh) {
  for (size_t i = first_ranged_; i < steps_.size(); ++i) {
    Step& step = steps_[i];
    RowRange range(step.done, std::max(step.done, end));
    range.begins_fresh = fresh && step.done == begin;
    timers_->Process(&range);
    const Result<const Batch*> made = RunStep(step, input, range);
    timers_->Process(nullptr);
    ASSIGN_OR_RETURN(input, made);
    end = std::min(end, range.end);
  }
  return end;
}

// Returns what the next operator reads.
Result<const Batch*> OperatorChain::RunStep(Step& step, const Batch* input,
                                            RowRange& range) {
  step.rows->SetInput(input);
  if (range.begin < range.end) {
    RETURN_IF_ERROR(step.op->Process(*input, range, selection_, *step.rows));
    step.done = range.end;
  }
  return step.rows->aligned() ? &step.rows->batch() : input;
}

// What comes before the row: timers, and the end of what was remembered of a
// vehicle that starts anew with it.
Status OperatorChain::MoveTimeTo(const Batch& batch, size_t row, bool fresh) {
  for (size_t i = first_ranged_; i < steps_.size(); ++i) {
    steps_[i].rows->SetDueRow(row);
  }
  RETURN_IF_ERROR(timers_->FireAt(row, fire_));
  if (!fresh) return Status::Ok();
  for (size_t i = first_ranged_; i < steps_.size(); ++i) {
    RETURN_IF_ERROR(
        steps_[i].op->OnForget(batch.vehicle[row], *steps_[i].rows));
  }
  return Status::Ok();
}

Status OperatorChain::Advance(Timestamp partition_time, OutputBuffer& out,
                              uint64_t cause) {
  output_->SetTarget(&out, nullptr, cause);
  for (Step& step : steps_) step.rows->SetInput(nullptr);
  ending_ = partition_time == kEndOfTime;
  const Status fired = timers_->FireUpTo(partition_time, fire_);
  ending_ = false;
  RETURN_IF_ERROR(fired);
  for (Step& step : steps_) step.rows->Flush();
  return Status::Ok();
}

Status OperatorChain::Fire(const DueTimer& due) {
  Step& step = steps_[due.timer->step()];
  if (!due.timer->forgets()) return step.op->OnTimer(due, *step.rows);
  return ending_ ? step.op->OnEnd(due.vehicle, *step.rows)
                 : step.op->OnForget(due.vehicle, *step.rows);
}

void OperatorChain::Close() {
  for (Step& step : steps_) {
    step.op->Close();
    step.rows.reset();
    step.columns.reset();
  }
  output_.reset();
  timers_.reset();
}

Millis OperatorChain::lateness() const {
  Millis greatest{0};
  for (const Step& step : steps_) {
    greatest = std::max(greatest, step.op->lateness());
  }
  return greatest;
}

void OperatorChain::AddReader(DerivedInput& input, OperatorChain& reader) {
  output_->AddReader(input);
  reader.output_->SetRead(*output_);
}

RowSchema OperatorChain::OutputSchema() const {
  return steps_.back().op->OutputSchema();
}

}  // namespace tacho
