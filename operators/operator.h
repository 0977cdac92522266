#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "operators/row_schema.h"
#include "operators/row_writer.h"
#include "operators/timers.h"
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
  // Last-seen times. Now is for Start alone: in a batch it is the batch's end.
  const VehicleClock& clock;
  LaneMetrics& metrics;
  Timers& timers;
  size_t step;               // Its place in the stream, from 0.
  std::string table_prefix;  // "<stream>.<step>.": unique in the lane.
  Millis vehicle_idle_timeout;
  Millis vehicle_forget;

  // Only in Open, by operators that declare a table. What is declared earlier
  // fires first where all else is equal.
  Timer* DeclareTimer(TimerClock clock_of, Millis silence = Millis(0)) {
    return timers.Declare(step, clock_of, silence);
  }
  // For vehicles whose OnForget and OnEnd must not wait until they come back.
  // It is set when the vehicle's entry is made (with kNoTime: its silence says
  // when) and in Start (with last seen + vehicle_forget).
  Timer* DeclareForget() { return timers.DeclareForget(step, vehicle_forget); }
};

// One step of a stream. An operator belongs to one lane, is never called by
// two threads, holds no lock and keeps no state outside its tables (what it
// derives from them, timers for instance, is rebuilt after Load).
//
// Order of calls: Open, [LaneState::Load, VehicleClock::SetPartitionTime],
// Start, then Process, OnTimer, OnForget and OnEnd any number of times, Close.
//
// Time moves in the chain, once for all operators, before each row, whether the
// row is selected or not: partition time to batch.partition_time[row], the
// vehicle's to batch.vehicle_time[row]. What is due then comes first, with that
// row as its cause (RowWriter::BeginDue), in the order of Timers; then what is
// remembered of a vehicle that starts anew is forgotten; then the row. So
// output does not depend on where a batch ends. Operators without state that
// come first in their stream get whole batches; the others get ranges that end
// where something is due.
class Operator {
 public:
  virtual ~Operator() = default;

  // Declares tables and timers, and resolves signals.
  virtual Status Open(OperatorContext& context) = 0;
  // State is loaded, partition time is that of the marker: sets timers. What
  // LaneState::loaded lists need not be resident: EnsureResident comes before
  // Find, and EvictIfOver between vehicles.
  virtual Status Start() { return Status::Ok(); }
  // May clear bits of `selection` within the range (a filter) or append rows
  // (an aggregate). `range.row` is the row that is processed, and the range may
  // get shorter meanwhile: for (size_t& row = range.row; row < range.end; ...).
  virtual Status Process(const Batch& batch, RowRange& range,
                         Selection& selection, RowWriter& rows) = 0;
  virtual Status OnTimer(const DueTimer& due, RowWriter& rows);
  // The vehicle was last seen `vehicle_forget` ago or more: what is remembered
  // of it ends: erases, and cancels timers. When it comes back, or when a timer
  // of DeclareForget says so; so it may come for a vehicle without an entry,
  // that of its first row for one, and more than once.
  virtual Status OnForget(VehicleIndex vehicle, RowWriter& rows);
  // A bounded run ends. Of vehicles of DeclareForget, in the order of all that
  // is due at the end of time. Timers of kVehicle do not fire then.
  virtual Status OnEnd(VehicleIndex vehicle, RowWriter& rows);
  // How long after its watermark could have closed it a row of its own may
  // come: what reads its rows is held back by so much. 0 if it comes when the
  // vehicle's own time passes the row's.
  virtual Millis lateness() const { return Millis(0); }
  // Empty for an operator that only narrows the selection.
  virtual RowSchema OutputSchema() const = 0;
  virtual void Close() = 0;
};

inline Status Operator::OnTimer(const DueTimer&, RowWriter&) {
  return Status::Ok();
}
inline Status Operator::OnForget(VehicleIndex, RowWriter&) {
  return Status::Ok();
}
inline Status Operator::OnEnd(VehicleIndex, RowWriter&) { return Status::Ok(); }

}  // namespace tacho
