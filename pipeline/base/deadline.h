#pragma once

#include <algorithm>
#include <chrono>

#include "pipeline/base/time.h"

namespace tacho {

// Time left of a call that waits more than once. Monotonic.
class Deadline {
 public:
  explicit Deadline(Millis timeout)
      : end_(std::chrono::steady_clock::now() + timeout) {}

  // Never less than nothing.
  Millis left() const {
    return std::max(Millis(0), std::chrono::duration_cast<Millis>(
                                   end_ - std::chrono::steady_clock::now()));
  }
  bool passed() const { return left() == Millis(0); }

 private:
  std::chrono::steady_clock::time_point end_;
};

}  // namespace tacho
