#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "operators/operator.h"
#include "operators/registry.h"
#include "operators/row_schema.h"
#include "operators/row_writer.h"
#include "operators/vehicle_clock.h"
#include "pipeline/lane/derived_input.h"
#include "pipeline/lane/stream_output.h"

namespace tacho {

// The operators of one stream in one lane, their timers, and where the rows of
// the last one go. An operator that makes a row of every record is read by the
// one after it. Walks the rows of a batch: time moves here (see Operator).
// Calls come in the order of Operator's contract; a batch must have been given
// vehicles and times (LaneState::InternBatch, VehicleClock::Observe).
//
// Threading: the lane's thread only.
class OperatorChain {
 public:
  // REQUIRES: `operators` is not empty and its last one makes rows; the others
  // narrow the selection or make one of every record.
  explicit OperatorChain(std::vector<std::unique_ptr<Operator>> operators);
  OperatorChain(const OperatorChain&) = delete;
  OperatorChain& operator=(const OperatorChain&) = delete;

  // Opens every operator with tables "<options.stream>.<index>.*".
  Status Open(const SignalSchema& schema, LaneState& state,
              const VehicleClock& clock, LaneMetrics& metrics,
              const StreamSettings& settings, OutputOptions options);
  // After LaneState::Load and VehicleClock::SetPartitionTime.
  Status Start();

  // `first_cause` is the lane's ordinal of the batch's first row. Rows that
  // are late are marked in `late_rows`, if there is one.
  Status Process(const Batch& batch, OutputBuffer& out, uint64_t first_cause,
                 std::vector<uint8_t>* late_rows = nullptr);
  // The same of rows that another stream has made, of which those of `selected`
  // count; `records` is what caused them, nullptr: nothing.
  Status ProcessRows(const Batch& rows, const Selection& selected,
                     const Batch* records, OutputBuffer& out,
                     uint64_t first_cause);
  // Partition time has moved without a row; kEndOfTime: the run has ended.
  // `cause` is that of outputs that no row has caused.
  Status Advance(Timestamp partition_time, OutputBuffer& out, uint64_t cause);
  void Close();

  RowSchema OutputSchema() const;
  // The greatest of its operators'.
  Millis lateness() const;
  // From here on `input` is given the rows, too; it is what `reader` reads.
  // Both are open and outlive this.
  void AddReader(DerivedInput& input, OperatorChain& reader);

 private:
  // Writers and columns are there while the chain is open.
  struct Step {
    std::unique_ptr<Operator> op;
    std::unique_ptr<SignalSchema> columns;  // What it reads.
    std::unique_ptr<RowWriter> rows;        // What it makes.
    size_t done = 0;  // Rows of the batch that it has had.
  };

  Status Run(const Batch& batch);
  Status Walk(const Batch& batch, const Batch* input);
  Status WalkRows(const Batch& batch, const Batch* input);
  Result<size_t> RunSteps(const Batch* input, size_t begin, size_t end,
                          bool fresh);
  Result<const Batch*> RunStep(Step& step, const Batch* input, RowRange& range);
  Status MoveTimeTo(const Batch& batch, size_t row, bool fresh);
  Status Fire(const DueTimer& due);

  std::vector<Step> steps_;
  size_t first_ranged_ = 0;  // The first operator that has state.
  const VehicleClock* clock_ = nullptr;
  std::optional<Timers> timers_;
  const Timers::Fire fire_ = [this](const DueTimer& due) { return Fire(due); };
  bool ending_ = false;
  std::optional<StreamOutput> output_;
  Selection selection_;
};

}  // namespace tacho
