#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/time.h"

namespace tacho {

// Which silent vehicles may have something due, by a lower bound of when: at
// most one entry per vehicle. A record of the vehicle moves its real deadline
// but not the entry; whoever pops it looks at the state and, if nothing is due
// yet, adds it again. So a record costs nothing but the question Due(now).
//
// Derived from state: rebuilt in Operator::Start.
// Threading: the lane's thread only.
class DeadlineQueue {
 public:
  // Nothing to do if the vehicle is queued: its bound is a lower one, because
  // deadlines never come nearer than partition time plus the timeout.
  void Add(VehicleIndex vehicle, Timestamp bound) {
    if (vehicle < queued_.size() && queued_[vehicle]) return;
    Push(vehicle, bound);
  }

  bool Due(Timestamp now) const { return next_ <= now; }

  // The vehicle with the least bound, taken off. REQUIRES: Due(some time).
  VehicleIndex Pop() {
    const VehicleIndex vehicle = heap_.front().vehicle;
    std::pop_heap(heap_.begin(), heap_.end(), Later);
    heap_.pop_back();
    queued_[vehicle] = 0;
    next_ = heap_.empty() ? kNever : heap_.front().bound;
    return vehicle;
  }

  size_t size() const { return heap_.size(); }

 private:
  struct Entry {
    Timestamp bound;
    VehicleIndex vehicle;
  };
  static constexpr Timestamp kNever = Timestamp::max();

  static bool Later(const Entry& a, const Entry& b) {
    return a.bound > b.bound;
  }

  void Push(VehicleIndex vehicle, Timestamp bound) {
    if (vehicle >= queued_.size()) {
      queued_.resize(std::max<size_t>(size_t{vehicle} + 1, queued_.size() * 2));
    }
    queued_[vehicle] = 1;
    heap_.push_back({bound, vehicle});
    std::push_heap(heap_.begin(), heap_.end(), Later);
    next_ = heap_.front().bound;
  }

  std::vector<Entry> heap_;
  std::vector<uint8_t> queued_;  // By vehicle.
  Timestamp next_ = kNever;
};

}  // namespace tacho
