#pragma once

#include <numeric>

#include "pipeline/base/time.h"

namespace tacho {

// Which windows of event time a record belongs to: those of `size` that begin
// every `slide`, aligned to the epoch. Tumbling windows slide by their size.
//
// What all records of a window share is kept by pane: the widest stretches of
// time of which every window is made up whole. A tumbling window is one pane.
//
// All times of windows are their ends, which order them.
class WindowAssigner {
 public:
  // REQUIRES: 0 < slide <= size.
  WindowAssigner(Millis size, Millis slide)
      : size_(size),
        slide_(slide),
        pane_(std::gcd(size.count(), slide.count())) {}

  Millis size() const { return size_; }
  Millis slide() const { return slide_; }
  Millis pane() const { return pane_; }
  bool overlapping() const { return slide_ != size_; }

  // The start of the pane that holds `t`.
  Timestamp PaneOf(Timestamp t) const { return WindowStart(t, pane_); }
  // The ends of the first and the last window that hold `t`.
  Timestamp FirstEnd(Timestamp t) const {
    return WindowStart(t - size_, slide_) + slide_ + size_;
  }
  Timestamp LastEnd(Timestamp t) const {
    return WindowStart(t, slide_) + size_;
  }
  // The first window that holds `t` and ends after `bound`, if the last one
  // does; the first one after that otherwise.
  Timestamp FirstEndAfter(Timestamp t, Timestamp bound) const {
    const Timestamp first = FirstEnd(t);
    if (first > bound) return first;
    return WindowStart(bound - size_, slide_) + slide_ + size_;
  }

 private:
  Millis size_;
  Millis slide_;
  Millis pane_;
};

}  // namespace tacho
