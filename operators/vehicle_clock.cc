#include "operators/vehicle_clock.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/check.h"

namespace tacho {

namespace {

// Of the table's meaning: key (vehicle, 0), value {vehicle time, last seen}.
constexpr uint64_t kClockFingerprint = 0x636c6f636b2f0001;  // "clock/", 1.

}  // namespace

void VehicleClock::Open(LaneState& state, std::string table) {
  TableSpec spec;
  spec.name = std::move(table);
  spec.fingerprint = kClockFingerprint;
  table_ = state.Declare<Times>(std::move(spec), Times::Check);
}

const char* VehicleClock::Times::Check(int64_t subkey, const Times& times) {
  if (subkey != 0) return "a subkey that is not 0";
  const bool sane =
      IsStateTime(times.vehicle_time) && IsStateTime(times.last_seen);
  return sane ? nullptr : "a time out of range";
}

VehicleClock::Scratch& VehicleClock::Enter(VehicleIndex vehicle) {
  if (vehicle >= scratch_.size()) {
    scratch_.resize(std::max<size_t>(size_t{vehicle} + 1, scratch_.size() * 2));
  }
  Scratch& scratch = scratch_[vehicle];
  if (scratch.batch_number != batch_number_) {
    Times& times = table_->Mutate(vehicle);
    scratch = {batch_number_, -1, times, &times};
  }
  return scratch;
}

void VehicleClock::Observe(Batch& batch) {
  ++batch_number_;
  fresh_rows_.clear();
  next_row_.assign(batch.records(), -1);
  Timestamp now = partition_time_;
  for (size_t row = 0; row < batch.records(); ++row) {
    const Timestamp event = batch.event_time[row];
    now = std::max(now, event);
    batch.partition_time[row] = now;

    Scratch& scratch = Enter(batch.vehicle[row]);
    Times& times = *scratch.times;
    // kNoTime is forget and more before every real time: a new entry is
    // fresh by the same comparison.
    if (times.last_seen + forget_ <= now) {
      fresh_rows_.push_back(static_cast<uint32_t>(row));
      times.vehicle_time = now - forget_;
    }
    times.vehicle_time = std::max(times.vehicle_time, event);
    times.last_seen = now;
    batch.vehicle_time[row] = times.vehicle_time;
    batch.previous_row[row] = scratch.last_row;
    if (scratch.last_row >= 0) {
      next_row_[static_cast<size_t>(scratch.last_row)] =
          static_cast<int32_t>(row);
    }
    scratch.last_row = static_cast<int32_t>(row);
  }
  partition_time_ = now;
}

VehicleClock::Times VehicleClock::AsOf(const Batch& batch, VehicleIndex vehicle,
                                       int64_t row) const {
  if (vehicle >= scratch_.size() ||
      scratch_[vehicle].batch_number != batch_number_) {
    return Now(vehicle);
  }
  const Scratch& scratch = scratch_[vehicle];
  int32_t seen = scratch.last_row;
  while (seen > row) seen = batch.previous_row[static_cast<size_t>(seen)];
  if (seen < 0) return scratch.before;
  const auto at = static_cast<size_t>(seen);
  return {batch.vehicle_time[at], batch.partition_time[at]};
}

int32_t VehicleClock::NextRowOf(const Batch& batch, VehicleIndex vehicle,
                                size_t row) const {
  if (vehicle >= scratch_.size() ||
      scratch_[vehicle].batch_number != batch_number_) {
    return -1;
  }
  int32_t next = -1;
  int32_t seen = scratch_[vehicle].last_row;
  while (seen > static_cast<int32_t>(row)) {
    next = seen;
    seen = batch.previous_row[static_cast<size_t>(seen)];
  }
  return next;
}

VehicleClock::Times VehicleClock::Now(VehicleIndex vehicle) const {
  const Times* const times = table_->Find(vehicle);
  return times == nullptr ? Times() : *times;
}

}  // namespace tacho
