#include "operators/timers.h"

#include <algorithm>
#include <functional>
#include <memory>

#include "pipeline/base/check.h"

namespace tacho {

void Timer::Set(VehicleIndex vehicle, Timestamp due, Timestamp order) {
  if (vehicle >= pending_.size()) {
    pending_.resize(std::max<size_t>(size_t{vehicle} + 1, pending_.size() * 2));
  }
  pending_[vehicle] = {due, order};
  timers_.OnSet(*this, vehicle);
}

// A bound that is lower than the queued one takes its place; what is left of
// that one in the heap is no vehicle's bound any more.
void Timer::Queue(VehicleIndex vehicle, Timestamp at) {
  if (vehicle >= queued_.size()) {
    queued_.resize(std::max<size_t>(size_t{vehicle} + 1, queued_.size() * 2),
                   kNever);
  }
  if (queued_[vehicle] <= at) return;
  queued_[vehicle] = at;
  heap_.push_back({at, vehicle});
  std::push_heap(heap_.begin(), heap_.end(), Later);
  next_ = heap_.front().at;
}

bool Timer::PopBound(Timestamp now, VehicleIndex& vehicle) {
  while (next_ <= now && !heap_.empty()) {
    const Bound bound = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), Later);
    heap_.pop_back();
    next_ = heap_.empty() ? kNever : heap_.front().at;
    if (queued_[bound.vehicle] != bound.at) continue;
    queued_[bound.vehicle] = kNever;
    if (!pending(bound.vehicle)) continue;
    vehicle = bound.vehicle;
    return true;
  }
  return false;
}

Timer* Timers::Add(size_t step, const Timer::Spec& spec) {
  timers_.push_back(std::make_unique<Timer>(*this, step, timers_.size(), spec));
  Timer* const timer = timers_.back().get();
  if (spec.clock == TimerClock::kVehicle) of_vehicles_.push_back(timer);
  return timer;
}

void Timers::Begin(const Batch& batch) {
  batch_ = &batch;
  scanned_ = 0;
  stops_.clear();
}

size_t Timers::NextStop(size_t row) {
  const auto later = std::greater<>();
  while (!stops_.empty() && stops_.front() <= row) {
    std::pop_heap(stops_.begin(), stops_.end(), later);
    stops_.pop_back();
  }
  size_t end = stops_.empty() ? batch_->records() : stops_.front();
  end = RowAt(next_, row + 1, end);
  if (of_vehicles_.empty()) return end;
  // What has been set since a row was looked at has made stops by itself.
  scanned_ = std::max(scanned_, row + 1);
  while (scanned_ < end && !MayBeDue(scanned_)) ++scanned_;
  return std::min(scanned_, end);
}

size_t Timers::RowAt(Timestamp at, size_t from, size_t end) const {
  const std::vector<Timestamp>& times = batch_->partition_time;
  if (from >= end || times[end - 1] < at) return end;
  const auto begin = times.begin();
  return static_cast<size_t>(
      std::lower_bound(begin + static_cast<ptrdiff_t>(from),
                       begin + static_cast<ptrdiff_t>(end), at) -
      begin);
}

void Timers::StopAt(size_t row) {
  stops_.push_back(row);
  std::push_heap(stops_.begin(), stops_.end(), std::greater<>());
  if (range_ != nullptr && !firing_) range_->end = std::min(range_->end, row);
}

void Timers::Queue(Timer& timer, VehicleIndex vehicle, Timestamp at) {
  timer.Queue(vehicle, at);
  next_ = std::min(next_, timer.next_);
  if (batch_ == nullptr) return;
  const size_t row = RowAt(at, CurrentRow() + 1, batch_->records());
  if (row < batch_->records()) StopAt(row);
}

void Timers::OnSet(Timer& timer, VehicleIndex vehicle) {
  if (firing_) {
    OnSetWhileFiring(timer, vehicle);
  } else if (batch_ != nullptr) {
    OnSetInRow(timer, vehicle);
  } else if (timer.spec_.clock != TimerClock::kVehicle) {
    Queue(timer, vehicle, timer.pending_[vehicle].due);
  }
}

void Timers::OnSetWhileFiring(Timer& timer, VehicleIndex vehicle) {
  const bool of_vehicle = timer.spec_.clock == TimerClock::kVehicle;
  const bool ending = timer.spec_.forgets && now_ == kEndOfTime;
  const Timestamp at = DueTime(timer, vehicle);
  if (!ending && at <= (of_vehicle ? VehicleTime(vehicle) : now_)) {
    return PushDue(timer, vehicle, at);
  }
  if (!of_vehicle) return Queue(timer, vehicle, at);
  if (batch_ == nullptr) return;
  StopWhereDue(clock_.NextRowOf(*batch_, vehicle, row_), at);
}

// Who is seen at this row is silent from it on at the earliest.
void Timers::OnSetInRow(Timer& timer, VehicleIndex vehicle) {
  const Timestamp due = timer.pending_[vehicle].due;
  const size_t row = CurrentRow();
  DCHECK(batch_->vehicle[row] == vehicle);
  switch (timer.spec_.clock) {
    case TimerClock::kVehicle:
      return StopWhereDue(clock_.NextRow(row), due);
    case TimerClock::kPartition:
      return Queue(timer, vehicle, due);
    case TimerClock::kSilence:
      return Queue(
          timer, vehicle,
          std::max(due, batch_->partition_time[row] + timer.spec_.silence));
  }
}

// At the vehicle's first row from `next` on at which its own time has reached
// `due`.
void Timers::StopWhereDue(int32_t next, Timestamp due) {
  while (next >= 0 && batch_->vehicle_time[static_cast<size_t>(next)] < due) {
    next = clock_.NextRow(static_cast<size_t>(next));
  }
  if (next >= 0) StopAt(static_cast<size_t>(next));
}

VehicleClock::Times Timers::TimesOf(VehicleIndex vehicle) const {
  return batch_ == nullptr
             ? clock_.Now(vehicle)
             : clock_.AsOf(*batch_, vehicle, static_cast<int64_t>(row_) - 1);
}

Timestamp Timers::VehicleTime(VehicleIndex vehicle) const {
  if (batch_ != nullptr && batch_->vehicle[row_] == vehicle) {
    return batch_->vehicle_time[row_];
  }
  return TimesOf(vehicle).vehicle_time;
}

Timestamp Timers::DueTime(const Timer& timer, VehicleIndex vehicle) const {
  const Timestamp due = timer.pending_[vehicle].due;
  if (timer.spec_.clock != TimerClock::kSilence) return due;
  return std::max(due, TimesOf(vehicle).last_seen + timer.spec_.silence);
}

bool Timers::After(const Due& a, const Due& b) const {
  if (a.order != b.order) return a.order > b.order;
  if (a.vehicle != b.vehicle) {
    return state_.VehicleId(a.vehicle) > state_.VehicleId(b.vehicle);
  }
  return a.timer > b.timer;
}

void Timers::PushDue(Timer& timer, VehicleIndex vehicle, Timestamp due) {
  const Timer::Pending& pending = timer.pending_[vehicle];
  const Timestamp order =
      pending.order == Timer::kWhenDue ? due : pending.order;
  due_.push_back({order, vehicle, timer.index_, pending, due});
  std::push_heap(due_.begin(), due_.end(),
                 [this](const Due& a, const Due& b) { return After(a, b); });
}

// Last seen may be on disk, and so may what the operator wants to look at.
Status Timers::CollectOf(Timer& timer) {
  VehicleIndex vehicle = 0;
  while (timer.PopBound(now_, vehicle)) {
    RETURN_IF_ERROR(state_.EnsureResident(vehicle));
    const Timestamp due = DueTime(timer, vehicle);
    if (due <= now_) {
      PushDue(timer, vehicle, due);
    } else {
      later_.push_back({due, vehicle});
    }
  }
  for (const Timer::Bound& bound : later_) {
    Queue(timer, bound.vehicle, bound.at);
  }
  later_.clear();
  return Status::Ok();
}

Status Timers::Collect() {
  for (const auto& timer : timers_) {
    if (timer->spec_.clock == TimerClock::kVehicle) continue;
    RETURN_IF_ERROR(CollectOf(*timer));
  }
  if (batch_ == nullptr) return Status::Ok();
  const VehicleIndex vehicle = batch_->vehicle[row_];
  for (const auto& timer : timers_) {
    if (timer->spec_.clock != TimerClock::kVehicle) continue;
    if (!timer->pending(vehicle)) continue;
    const Timestamp due = timer->pending_[vehicle].due;
    if (due <= batch_->vehicle_time[row_]) PushDue(*timer, vehicle, due);
  }
  return Status::Ok();
}

Status Timers::Run(const Fire& fire) {
  const auto after = [this](const Due& a, const Due& b) { return After(a, b); };
  while (!due_.empty()) {
    const Due due = due_.front();
    std::pop_heap(due_.begin(), due_.end(), after);
    due_.pop_back();
    Timer& timer = *timers_[due.timer];
    // Cancelled or set anew by what has fired meanwhile.
    if (!timer.pending(due.vehicle)) continue;
    if (timer.pending_[due.vehicle] != due.pending) continue;
    const bool stays = timer.spec_.forgets && now_ == kEndOfTime;
    if (!stays) timer.Cancel(due.vehicle);
    const bool of_vehicle = timer.spec_.clock == TimerClock::kVehicle;
    const Timestamp now = of_vehicle ? VehicleTime(due.vehicle) : now_;
    RETURN_IF_ERROR(fire({&timer, due.vehicle, due.due, due.order, now}));
    if (stays && timer.pending(due.vehicle)) {
      Queue(timer, due.vehicle, due.due);
    }
  }
  return Status::Ok();
}

Status Timers::FireNow(const Fire& fire) {
  CHECK(!firing_);
  firing_ = true;
  due_.clear();
  Status status = Collect();
  if (status.ok()) status = Run(fire);
  firing_ = false;
  next_ = Timer::kNever;
  for (const auto& timer : timers_) next_ = std::min(next_, timer->next_);
  return status;
}

Status Timers::FireAt(size_t row, const Fire& fire) {
  row_ = row;
  now_ = batch_->partition_time[row];
  return FireNow(fire);
}

Status Timers::FireUpTo(Timestamp now, const Fire& fire) {
  CHECK(batch_ == nullptr);
  now_ = now;
  return FireNow(fire);
}

}  // namespace tacho
