#pragma once

#include <atomic>

#include "pipeline/base/time.h"

namespace tacho {

// The machine's clocks, which a test can put forward: for threads that wait.
// Both move; with ShiftWall the wall clock alone. Threading: any thread.
class ShiftedClock final : public Clock {
 public:
  Timestamp Now() const override {
    return SystemClock().Now() + Millis(shift_ms_.load() + wall_ms_.load());
  }
  std::chrono::steady_clock::time_point Steady() const override {
    return SystemClock().Steady() + Millis(shift_ms_.load());
  }
  void Shift(Millis by) { shift_ms_ += by.count(); }
  void ShiftWall(Millis by) { wall_ms_ += by.count(); }

 private:
  std::atomic<int64_t> shift_ms_{0};
  std::atomic<int64_t> wall_ms_{0};
};

}  // namespace tacho
