#pragma once

#include "bench/lab/parts/bed.h"

namespace tacho::lab {

// Raw consumption and tacho under either guarantee and several commit
// intervals, in turns, over the same messages; and how long the commits took,
// by phase. Returns what exactly_once at 200 ms reached, in M messages/s.
double MeasureThroughput(Bed& bed);

// Fills the topics, says where the broker is, and waits for the end of standard
// input: for what is run by hand, under a profiler for one.
void Hold(Bed& bed);

// p50 and p99 of the commit phases that a worker has logged last, in ms.
std::vector<std::string> CommitPhases();
std::vector<double> CommitCycle(const Child& worker, const std::string& field);

}  // namespace tacho::lab
