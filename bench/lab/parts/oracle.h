#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>

namespace tacho::lab {

// One vehicle's minute.
struct WindowResult {
  int64_t samples = 0;
  double speed_min = 0;
  double speed_sum = 0;
  double speed_max = 0;
  double speed_last = 0;
  double engine_temp_max = 0;
  double distance = 0;
  int64_t last_ts = 0;  // Of the record that speed_last is from.
};

// What the aggregation of every workload must give: tumbling windows of one
// minute, closed when the vehicle's own event time is ten seconds past their
// end (config/jobs/telemetry-analytics.yaml). Worked out from the messages'
// text with the C library, by nothing that tacho uses.
//
// Threading: one thread.
class Oracle {
 public:
  static constexpr int64_t kWindowMs = 60'000;
  static constexpr int64_t kLatenessMs = 10'000;

  // A message, in the order in which its partition holds it.
  // REQUIRES: it is one of the demo fleet's (pipeline/demo/fleet.h), and valid.
  void Add(std::string_view vehicle, const std::string& message);

  // One line for each window that is closed: vehicle, start, samples, speed
  // min, mean, max, last, temperature, distance; tab between them.
  void WriteTo(const std::string& path) const;

 private:
  struct Vehicle {
    int64_t clock = 0;
    double odometer = -1;
    std::map<int64_t, WindowResult> windows;  // By start.
  };

  std::unordered_map<std::string, Vehicle> vehicles_;
};

}  // namespace tacho::lab
