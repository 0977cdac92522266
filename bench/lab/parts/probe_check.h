#pragma once

#include <cstddef>

#include "bench/lab/parts/output_watch.h"
#include "bench/lab/parts/paced_feed.h"

namespace tacho::lab {

// Every record of a probe has one output, once: what is wrong with a run.
struct ProbeCheck {
  size_t missing = 0;
  size_t extra = 0;
};

// Waits for the last outputs. Says where the wrong ones lie.
// REQUIRES: the feed has stopped.
ProbeCheck CheckProbes(const PacedFeed& feed, const OutputWatch& watch);

}  // namespace tacho::lab
