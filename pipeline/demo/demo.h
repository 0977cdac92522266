#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/status.h"

namespace tacho {

struct DemoConfig {
  std::vector<std::string> jobs;  // Files; each is a consumer group.
  int duration_seconds = 20;
  std::string input;  // A file of messages; empty: the fleet.
  uint64_t seed = 1;
  int vehicles = 200;
  uint64_t rate = 10000;  // Messages a second; 0: as they are read.
  int threads = 0;
};

// Runs jobs on a broker inside this process: feeds their topic, prints rates,
// lag, the newest windows and alerts, and ends with a summary in which every
// message is accounted for. State lives in a temporary directory and goes
// with it. `stop` ends it early.
Status RunDemo(const DemoConfig& options, const std::atomic<bool>& stop);

}  // namespace tacho
