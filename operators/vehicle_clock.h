#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/base/status.h"
#include "state/lane_state.h"

namespace tacho {

// The two times that a lane keeps: partition time (the greatest event time of
// its input) and, per vehicle, {greatest event time, last seen}. Last seen is
// the partition time at the vehicle's latest record: what "silent" is measured
// from.
//
// The clock is moved for a whole batch first (Observe); operators then walk
// the rows and ask for a vehicle's times *as of* a row, so that each stream
// sees time move row by row. Watermark of an operator = vehicle time minus its
// allowed lateness.
//
// A vehicle without an entry, or with one last seen `vehicle_forget` or more
// before the partition time, starts from partition time - vehicle_forget
// (kNoTime while partition time is kNoTime). So a vehicle's time never goes
// back, forgotten or not.
//
// State: a table, key (vehicle, 0).
// Threading: the lane's thread only.
class VehicleClock {
 public:
  struct Times {
    Timestamp vehicle_time = kNoTime;
    Timestamp last_seen = kNoTime;
    void Reset() { *this = {}; }
    void Encode(ByteWriter& out) const {
      out.Time(vehicle_time);
      out.Time(last_seen);
    }
    bool Decode(ByteReader& in) {
      vehicle_time = in.Time();
      last_seen = in.Time();
      return in.ok();
    }
    static const char* Check(int64_t subkey, const Times& times);
  };

  explicit VehicleClock(Millis vehicle_forget) : forget_(vehicle_forget) {}

  // Declares the table.
  void Open(LaneState& state, std::string table = "clock");

  // Fills batch.partition_time, vehicle_time and previous_row from
  // batch.vehicle and batch.event_time, and moves both times to the end of
  // the batch. REQUIRES: the vehicles are resident.
  void Observe(Batch& batch);

  // Last seen and vehicle time of `vehicle` as they stand after row `row` of
  // the batch last observed (row -1: before its first row). kNoTime if it was
  // never seen. Cold: for due timers, not for rows. REQUIRES: the vehicle is
  // resident.
  Times AsOf(const Batch& batch, VehicleIndex vehicle, int64_t row) const;
  // The same outside a batch (in one, as of its end). REQUIRES: the vehicle is
  // resident.
  Times Now(VehicleIndex vehicle) const;

  // The next row of the same vehicle in the batch last observed; -1: none.
  int32_t NextRow(size_t row) const { return next_row_[row]; }
  // The first row of `vehicle` after `row` in that batch; -1: none. Cold.
  int32_t NextRowOf(const Batch& batch, VehicleIndex vehicle, size_t row) const;

  // Rows of the batch last observed, ascending, at which a vehicle started
  // from the floor: never seen, or forgotten as of that row. What operators
  // remember of it ends there.
  const std::vector<uint32_t>& fresh_rows() const { return fresh_rows_; }

  // Partition time at the end of the batch last observed.
  Timestamp partition_time() const { return partition_time_; }
  // Sets partition time from the marker (before Operator::Start), or by an
  // advance.
  void SetPartitionTime(Timestamp t) { partition_time_ = t; }

 private:
  // Per vehicle, for the batch last observed: its last row there and its
  // times before the batch. `batch_number` says whether they are of it.
  struct Scratch {
    uint64_t batch_number = 0;
    int32_t last_row = -1;
    Times before;
    Times* times = nullptr;  // Of its entry, until the batch ends.
  };

  Scratch& Enter(VehicleIndex vehicle);

  Millis forget_;
  StateTable<Times>* table_ = nullptr;
  Timestamp partition_time_ = kNoTime;
  std::vector<Scratch> scratch_;
  std::vector<uint32_t> fresh_rows_;
  std::vector<int32_t> next_row_;
  uint64_t batch_number_ = 0;
};

}  // namespace tacho
