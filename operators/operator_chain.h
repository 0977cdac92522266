#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "operators/emitter.h"
#include "operators/operator.h"
#include "operators/registry.h"
#include "operators/vehicle_clock.h"

namespace tacho {

// The operators of one stream in one lane, and the emitter of the last one.
// Calls come in the order of Operator's contract; a batch must have been given
// vehicles and times (LaneState::InternBatch, VehicleClock::Observe).
//
// Threading: the lane's thread only.
class OperatorChain {
 public:
  // REQUIRES: `operators` is not empty and its last one emits; the others only
  // narrow the selection.
  explicit OperatorChain(std::vector<std::unique_ptr<Operator>> operators)
      : operators_(std::move(operators)) {}

  // Opens every operator with tables "<options.stream>.<index>.*".
  Status Open(const SignalSchema& schema, LaneState& state,
              const VehicleClock& clock, LaneMetrics& metrics,
              const StreamSettings& settings, OutputOptions options);
  // After LaneState::Load and VehicleClock::SetPartitionTime.
  Status Start();

  // `first_cause` is the lane's ordinal of the batch's first row.
  Status Process(const Batch& batch, OutputBuffer& out, uint64_t first_cause);
  // `cause` is that of outputs that no row has caused.
  Status Advance(Timestamp partition_time, OutputBuffer& out, uint64_t cause);
  void Close();

  std::vector<OutputField> OutputSchema() const;

 private:
  std::vector<std::unique_ptr<Operator>> operators_;
  std::optional<Emitter> emitter_;
  Selection selection_;
};

}  // namespace tacho
