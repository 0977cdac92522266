#pragma once

#include <chrono>
#include <utility>
#include <vector>

#include "tests/support/test_lane.h"

namespace tacho {

// What tests of window_aggregate work on.
inline SignalSchema Schema() {
  return SignalSchema({{"speed", SignalType::kDouble, Dimension::kSpeed},
                       {"odometer", SignalType::kDouble, Dimension::kDistance},
                       {"gear", SignalType::kInt64, Dimension::kNone},
                       {"label", SignalType::kString, Dimension::kNone}});
}

inline StreamSettings Settings() {
  StreamSettings settings;
  settings.vehicle_idle_timeout = std::chrono::seconds(60);
  settings.vehicle_forget = std::chrono::seconds(600);
  return settings;
}

inline TestLane::Options Plain() {
  TestLane::Options options;
  options.settings = Settings();
  return options;
}

inline TestOperator Windows(Millis size, Millis lateness,
                            std::vector<ParamValue> aggregates) {
  return {"window_aggregate",
          {Param("window", {Param("tumbling", size)}),
           Param("allowed_lateness", lateness),
           Param("aggregates", std::move(aggregates))}};
}

inline TestOperator Hopping(Millis size, Millis slide, Millis lateness,
                            std::vector<ParamValue> aggregates) {
  return {
      "window_aggregate",
      {Param("window",
             {Param("hopping", {Param("size", size), Param("slide", slide)})}),
       Param("allowed_lateness", lateness),
       Param("aggregates", std::move(aggregates))}};
}

}  // namespace tacho
