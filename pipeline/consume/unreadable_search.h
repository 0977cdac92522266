#pragma once

#include <algorithm>
#include <utility>

#include "pipeline/base/ids.h"

namespace tacho {

// Finds where a batch ends that the client cannot read and does not tell the
// end of: by asking for the log from a guess on (a probe), and looking whether
// what comes is readable. Doubling steps, then halving ones: about twice the
// logarithm of the batch's records, and one probe for a single record.
//
//   search.Begin(first);
//   loop: fetch from search.probe(); then Inside(), or Outside(offset);
//   until done(): the batch is [first, end).
//
// Threading: one thread at a time.
class UnreadableSearch {
 public:
  bool active() const { return first_ != kNoOffset; }
  bool done() const { return high_ == low_ + 1; }

  // The batch that `first` is in cannot be read. `log_end`: no probe goes
  // beyond it; kNoOffset: unknown.
  void Begin(Offset first, Offset log_end) {
    first_ = low_ = first;
    high_ = kNoOffset;
    log_end_ = log_end == kNoOffset ? kNoOffset : std::max(log_end, first + 1);
    step_ = 1;
    Guess();
  }
  Offset probe() const { return probe_; }
  // What is at the probe belongs to the batch.
  void Inside() {
    low_ = probe_;
    Guess();
  }
  // The batch ends at or before `offset`, which is at most the probe.
  void Outside(Offset offset) {
    high_ = std::max(std::min(offset, probe_), low_ + 1);
    Guess();
  }
  // REQUIRES: done(). Ends the search.
  std::pair<Offset, Offset> Take() {
    return {std::exchange(first_, kNoOffset), high_};
  }
  Offset first() const { return first_; }

 private:
  void Guess() {
    if (high_ != kNoOffset) {
      if (!done()) probe_ = low_ + (high_ - low_) / 2;
      return;
    }
    probe_ = low_ + step_;
    step_ *= 2;
    if (log_end_ != kNoOffset) probe_ = std::min(probe_, log_end_);
    probe_ = std::max(probe_, low_ + 1);
  }

  Offset first_ = kNoOffset;
  Offset low_ = 0;           // Inside.
  Offset high_ = kNoOffset;  // Outside; kNoOffset: not known yet.
  Offset log_end_ = kNoOffset;
  Offset step_ = 1;
  Offset probe_ = kNoOffset;
};

}  // namespace tacho
