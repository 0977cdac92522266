#pragma once

#include <atomic>

#include "pipeline/base/time.h"

namespace tacho {

// Time that moves only when told to. Threading: any thread.
class ManualClock final : public Clock {
 public:
  Timestamp Now() const override { return FromEpochMillis(now_ms_.load()); }
  std::chrono::steady_clock::time_point Steady() const override {
    return std::chrono::steady_clock::time_point(Millis(now_ms_.load()));
  }
  void Advance(Millis by) { now_ms_ += by.count(); }

 private:
  std::atomic<int64_t> now_ms_{1700000000000};
};

}  // namespace tacho
