#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "operators/registry.h"
#include "operators/vehicle_clock.h"
#include "pipeline/base/batch.h"
#include "pipeline/base/metrics.h"
#include "pipeline/base/output_buffer.h"
#include "pipeline/base/status.h"
#include "pipeline/lane/derived_input.h"
#include "pipeline/lane/operator_chain.h"
#include "state/lane_state.h"

namespace tacho {

// The streams of a lane, in the order in which they run: a stream comes after
// the one that it reads.
//
// Threading: the lane's thread only.
class StreamSet {
 public:
  // `from`: which of those that were added before it reads; nothing: the
  // records. REQUIRES: before Open.
  void Add(std::unique_ptr<OperatorChain> chain, OutputOptions output,
           std::optional<size_t> from);

  // Opens every operator, and the clocks of streams that read others.
  Status Open(const SignalSchema& schema, LaneState& state,
              const VehicleClock& clock, LaneMetrics& metrics,
              const StreamSettings& settings);
  // After LaneState::Load and VehicleClock::SetPartitionTime.
  Status Start(Timestamp partition_time);

  // As OperatorChain::Process.
  Status Process(const Batch& batch, OutputBuffer& out, uint64_t first_cause,
                 std::vector<uint8_t>* late_rows = nullptr);
  Status Advance(Timestamp partition_time, OutputBuffer& out, uint64_t cause);
  void Close();

 private:
  struct Stream {
    std::unique_ptr<OperatorChain> chain;
    OutputOptions output;  // Until Open.
    std::optional<size_t> from;
    Millis held_back{0};
    std::unique_ptr<DerivedInput> input;  // Of `from`.
  };

  void BeginInputs(const Batch* records);

  std::vector<Stream> streams_;
};

}  // namespace tacho
