#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "operators/emitter.h"
#include "operators/vehicle_clock.h"
#include "pipeline/base/batch.h"
#include "pipeline/base/metrics.h"
#include "pipeline/base/signal.h"
#include "pipeline/base/status.h"
#include "state/lane_state.h"

namespace tacho {

// Which rows of a batch a stream still looks at: 1 = selected.
using Selection = std::vector<uint8_t>;

// What an operator may use while it is open. Everything outlives it.
struct OperatorContext {
  const SignalSchema& schema;
  LaneState& state;
  const VehicleClock& clock;  // Watermarks and last-seen times, as of any row.
  LaneMetrics& metrics;
  std::string table_prefix;  // "<stream>.<index>.": unique in the lane.
  Millis vehicle_idle_timeout;
  Millis vehicle_forget;
};

// One step of a stream. An operator belongs to one lane, is never called by
// two threads, holds no lock and keeps no state outside its tables (what it
// derives from them, timers for instance, is rebuilt after Load).
//
// Order of calls: Open, [LaneState::Load, VehicleClock::SetPartitionTime],
// Start, then Process and Advance any number of times, Close.
//
// Time: within Process, time moves before each row, whether the row is
// selected or not: partition time to batch.partition_time[row], the vehicle's
// to batch.vehicle_time[row]. What becomes due is emitted first, with that row
// as its cause, ordered by (due time, vehicle bytes). So output does not
// depend on where a batch ends.
class Operator {
 public:
  virtual ~Operator() = default;

  // Declares tables and resolves signals.
  virtual Status Open(OperatorContext& context) = 0;
  // State is loaded, partition time is that of the marker: rebuilds timers.
  virtual Status Start() { return Status::Ok(); }
  // Once per batch. May clear bits of `selection` (a filter) or emit (an
  // aggregate).
  virtual Status Process(const Batch& batch, Selection& selection,
                         Emitter& emitter) = 0;
  // Partition time has moved to `partition_time` without a row;
  // kEndOfTime closes everything that is open.
  virtual Status Advance(Timestamp partition_time, Emitter& emitter) = 0;
  // Empty for an operator that only narrows the selection.
  virtual std::vector<OutputField> OutputSchema() const = 0;
  virtual void Close() = 0;
};

}  // namespace tacho
