#pragma once

#include <atomic>

#include "pipeline/base/time.h"

namespace tacho {

// Time that moves only when told to, and a wall clock that can be set apart
// from it. Threading: any thread.
class ManualClock final : public Clock {
 public:
  Timestamp Now() const override {
    return FromEpochMillis(now_ms_.load() + wall_ms_.load());
  }
  std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point(Millis(now_ms_.load()));
  }
  void Advance(Millis by) { now_ms_ += by.count(); }
  void ShiftWall(Millis by) { wall_ms_ += by.count(); }

 private:
  std::atomic<int64_t> now_ms_{1700000000000};
  std::atomic<int64_t> wall_ms_{0};
};

}  // namespace tacho
