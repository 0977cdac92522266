#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "bench/lab/parts/child.h"
#include "tests/support/real_broker.h"
#include "tests/support/temp_dir.h"

namespace tacho::lab {

struct Options {
  std::string self;  // This program.
  uint64_t messages = 6'000'000;
  int rounds = 3;
  int vehicles = 10'000;
  int partitions = 8;
  double max_rate = 0;  // M msg/s; 0: what the throughput part finds.
  int seconds = 12;     // Of a latency run.
  std::string tacho = "build/release/tacho";
  std::string job = "config/jobs/telemetry-analytics.yaml";
  std::string probe_job = "bench/lab/parts/probe.yaml";
  std::vector<std::string> parts;     // Empty: all.
  std::vector<std::string> variants;  // Of throughput; empty: all.
  std::vector<std::string> with;      // Further variants: arguments of tacho.
};

// The test bed that all parts share: one broker, one scratch directory.
struct Bed {
  explicit Bed(Options o);

  // `tacho run JOB` as one worker of a group, told by `more` arguments.
  std::unique_ptr<Child> StartTacho(const std::string& job,
                                    const std::string& name,
                                    const std::vector<std::string>& more);
  // The changelog that a worker would make itself, outside what is timed.
  void MakeChangelog(const std::string& job, const std::string& input);

  Options options;
  RealBroker broker;
  TempDir scratch;
  int logs = 0;
};

// Ends the lab if a step of its own fails.
void Die(const Status& status);

// "median (least to greatest)".
std::string Spread(std::vector<double> values, int digits);
double Median(std::vector<double> values);
// 0 < q <= 1; 0 if there are none.
double Quantile(std::vector<double> values, double q);

}  // namespace tacho::lab
