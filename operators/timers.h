#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "operators/vehicle_clock.h"
#include "pipeline/base/batch.h"
#include "pipeline/base/check.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "state/lane_state.h"

namespace tacho {

// What a timer waits for. `due` is what Timer::Set was given.
enum class TimerClock : uint8_t {
  kVehicle,    // The vehicle's greatest event time reaches `due`.
  kPartition,  // Partition time reaches `due`.
  kSilence,    // The same, and the vehicle has not been seen for the timer's
               // silence. A record moves that on at no cost.
};

class Timers;

// One kind of thing that an operator waits for: at most one is pending of a
// vehicle. Derived from state, so that Operator::Start sets it again.
//
// Threading: the lane's thread only. Lifetime: that of its Timers.
class Timer {
 public:
  struct Spec {
    TimerClock clock = TimerClock::kPartition;
    Millis silence{0};     // Of kSilence.
    bool forgets = false;  // See Timers::DeclareForget.
  };
  Timer(Timers& timers, size_t step, size_t index, const Spec& spec)
      : timers_(timers), step_(step), index_(index), spec_(spec) {}

  // Replaces what is pending of `vehicle`. Timers that are due together fire in
  // the order of `order` (a window's end, say), then of the vehicles' bytes.
  // REQUIRES: in Process, `vehicle` is that of the range's row; in OnTimer and
  // its like, the vehicle that they are called for. The vehicle has an
  // entry in a table for as long as something is pending.
  void Set(VehicleIndex vehicle, Timestamp due, Timestamp order);
  // The same, in the order of when it is really due.
  void Set(VehicleIndex vehicle, Timestamp due) { Set(vehicle, due, kWhenDue); }
  void Cancel(VehicleIndex vehicle) {
    if (vehicle < pending_.size()) pending_[vehicle] = {};
  }
  bool pending(VehicleIndex vehicle) const {
    return vehicle < pending_.size() && pending_[vehicle].due != kNever;
  }
  // What it was set with; kNever if nothing is pending.
  Timestamp order(VehicleIndex vehicle) const {
    return vehicle < pending_.size() ? pending_[vehicle].order : kNever;
  }

  size_t step() const { return step_; }
  bool forgets() const { return spec_.forgets; }

  static constexpr Timestamp kNever = Timestamp::max();

 private:
  friend class Timers;
  static constexpr Timestamp kWhenDue = Timestamp::min();

  struct Pending {
    Timestamp due = kNever;
    Timestamp order = kNever;
    bool operator==(const Pending&) const = default;
  };
  // Of kPartition and kSilence: a lower bound of when the vehicle's may be due.
  struct Bound {
    Timestamp at;
    VehicleIndex vehicle;
  };

  static bool Later(const Bound& a, const Bound& b) { return a.at > b.at; }
  void Queue(VehicleIndex vehicle, Timestamp at);
  // The vehicle with the least bound, taken off; false if that is none by now.
  bool PopBound(Timestamp now, VehicleIndex& vehicle);

  Timers& timers_;
  const size_t step_;
  const size_t index_;  // Among all of the stream.
  const Spec spec_;
  std::vector<Pending> pending_;   // By vehicle.
  std::vector<Bound> heap_;        // Least bound first.
  std::vector<Timestamp> queued_;  // By vehicle: its bound in heap_.
  Timestamp next_ = kNever;        // The least bound.
};

// A timer that has fired.
struct DueTimer {
  const Timer* timer;
  VehicleIndex vehicle;  // Resident.
  Timestamp due;         // When it was, at the latest of all it waited for.
  Timestamp order;       // As Timer::Set was given it; `due` if it was not.
  // What the timer's clock has reached; kEndOfTime when input ends. A timer
  // that is set again and is due by now fires at once, so one that repeats
  // must stop here.
  Timestamp now;
};

// The timers of one stream's operators: which of them are due before a row, and
// in what order they fire. Time, due order and vehicles that start anew are
// looked at nowhere else.
//
// Before a row, partition time and the vehicle's own time have moved to it.
// What is due then fires ordered by (order, vehicle bytes, operator, timer); a
// timer that is set meanwhile and is due as well takes its place in that order.
// A vehicle's silence is that of the row before: the row's own vehicle was
// silent too.
//
// Threading: the lane's thread only. Allocates nothing once its vectors have
// grown.
// Limits: 16 bytes a vehicle and timer, and up to 24 more if it waits for
// partition time.
class Timers {
 public:
  // Called for each timer that fires; nothing is pending of it any more.
  using Fire = std::function<Status(const DueTimer& due)>;

  Timers(LaneState& state, const VehicleClock& clock)
      : state_(state), clock_(clock) {}
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  // A timer of the stream's operator number `step`. REQUIRES: before Start.
  Timer* Declare(size_t step, TimerClock clock, Millis silence = Millis(0)) {
    return Add(step, {clock, silence, false});
  }
  size_t size() const { return timers_.size(); }  // Declared.
  // One that is due when the vehicle is forgotten, `forget` after it was last
  // seen. It fires at the end of time as well, and stays pending then: the end
  // of input forgets nobody.
  Timer* DeclareForget(size_t step, Millis forget) {
    return Add(step, {TimerClock::kSilence, forget, true});
  }

  // A batch is walked through: NextStop is the first row after `row` before
  // which something may be due, or the number of rows. Hot: one comparison for
  // each row and timer of kVehicle, once.
  void Begin(const Batch& batch);
  size_t NextStop(size_t row);
  // Rows of `range` are processed; a timer that is set and is due at a later
  // row of it ends it there.
  void Process(RowRange* range) { range_ = range; }
  // Fires what is due before the row.
  Status FireAt(size_t row, const Fire& fire);
  void End() { batch_ = nullptr; }

  // Outside a batch: partition time has moved to `now` without a row.
  Status FireUpTo(Timestamp now, const Fire& fire);

 private:
  friend class Timer;
  struct Due {
    Timestamp order;
    VehicleIndex vehicle;
    size_t timer;  // Index.
    Timer::Pending pending;
    Timestamp due;
  };

  Timer* Add(size_t step, const Timer::Spec& spec);
  // A timer of the row's vehicle.
  bool MayBeDue(size_t row) const {
    const VehicleIndex vehicle = batch_->vehicle[row];
    for (const Timer* timer : of_vehicles_) {
      if (vehicle < timer->pending_.size() &&
          timer->pending_[vehicle].due <= batch_->vehicle_time[row]) {
        return true;
      }
    }
    return false;
  }
  void OnSet(Timer& timer, VehicleIndex vehicle);
  void OnSetWhileFiring(Timer& timer, VehicleIndex vehicle);
  void OnSetInRow(Timer& timer, VehicleIndex vehicle);
  // A bound, and the stop that it makes in the batch.
  void Queue(Timer& timer, VehicleIndex vehicle, Timestamp at);
  // The first row of [from, end) at which partition time has reached `at`, or
  // `end`.
  size_t RowAt(Timestamp at, size_t from, size_t end) const;
  void StopAt(size_t row);
  void StopWhereDue(int32_t next, Timestamp due);
  // The row that is processed, or before which timers fire.
  size_t CurrentRow() const {
    if (firing_) return row_;
    CHECK(range_ != nullptr);
    return range_->row;
  }

  Status FireNow(const Fire& fire);
  Status Collect();
  Status CollectOf(Timer& timer);
  Status Run(const Fire& fire);
  // When it is due as things stand here; may be later than now.
  Timestamp DueTime(const Timer& timer, VehicleIndex vehicle) const;
  VehicleClock::Times TimesOf(VehicleIndex vehicle) const;
  Timestamp VehicleTime(VehicleIndex vehicle) const;
  void PushDue(Timer& timer, VehicleIndex vehicle, Timestamp due);
  bool After(const Due& a, const Due& b) const;

  LaneState& state_;
  const VehicleClock& clock_;
  std::vector<std::unique_ptr<Timer>> timers_;
  std::vector<const Timer*> of_vehicles_;
  Timestamp next_ = Timer::kNever;  // The least bound of any.

  // Where timers fire, or are set.
  const Batch* batch_ = nullptr;
  RowRange* range_ = nullptr;  // While rows are processed.
  bool firing_ = false;
  size_t row_ = 0;  // While firing in a batch.
  Timestamp now_ = kNoTime;

  size_t scanned_ = 0;         // Rows before it are known not to be due,
  std::vector<size_t> stops_;  // but for these: a heap, least first.
  std::vector<Due> due_;       // A heap, while firing.
  std::vector<Timer::Bound> later_;
};

}  // namespace tacho
