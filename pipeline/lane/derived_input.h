#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "operators/operator.h"
#include "operators/row_schema.h"
#include "operators/vehicle_clock.h"
#include "pipeline/base/batch.h"
#include "pipeline/base/time.h"
#include "state/lane_state.h"

namespace tacho {

// What a stream reads that says `from:`: the rows of another stream, and the
// lane's records between them, of which it sees the time only.
//
// The rows that a record has caused come before the record's own time does: of
// what falls due together the stream that is read fires first. Times of records
// are held back by the greatest lateness of what is read, because a window that
// closes so much after its end is no late row.
//
//   input.Begin(&records);     // nullptr: outside a batch
//   input.Add(rows, ...);      // as often as there are some, in order of cause
//   input.Finish();            // rows() and selection() are the stream's batch
//
// State: a clock of its own, table "<stream>.clock": its vehicles' times are
// those of its rows and of the records, held back.
// Limits: as many rows as one batch of records, or one advance, makes; closing
// at the end of input makes all that is open.
// Threading: the lane's thread only. Allocates nothing once its batch has
// grown.
class DerivedInput {
 public:
  // `schema`: of the rows that are read.
  DerivedInput(const RowSchema& schema, Millis held_back,
               Millis vehicle_forget);

  void Open(LaneState& state, const std::string& stream);
  // Of the lane, as loaded, or as an advance has moved it.
  void SetPartitionTime(Timestamp lane_time);

  void Begin(const Batch* records);
  // `selected` as in RowSink::Take.
  void Add(const Batch& rows, const uint8_t* selected);
  void Finish();

  const Batch& rows() const { return batch_; }
  // 1: a row; 0: a record, which moves time.
  const Selection& selection() const { return selection_; }
  const VehicleClock& clock() const { return clock_; }
  // `lane_time` as this stream sees it.
  Timestamp HeldBack(Timestamp lane_time) const;

 private:
  void AddTicks(size_t end);
  size_t NewRow(uint8_t selected);

  const Millis held_back_;
  VehicleClock clock_;
  Batch batch_;
  Selection selection_;
  const Batch* records_ = nullptr;
  size_t next_tick_ = 0;  // The first record whose time has not come yet.
};

}  // namespace tacho
