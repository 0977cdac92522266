#include "pipeline/demo/fleet.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

namespace tacho {
namespace {

constexpr double kKmPerDegree = 111.2;

}  // namespace

Fleet::Fleet(const FleetOptions& options)
    : options_(options), random_(options.seed), now_(options.start) {
  for (int i = 0; i < std::max(1, options.vehicles); ++i) {
    Vehicle v;
    v.id = fmt::format("TACHO{:012}", i);
    v.lat = Uniform(48, 54);
    v.lon = Uniform(6, 14);
    v.heading = Uniform(0, 360);
    v.odometer = Uniform(1000, 200000);
    v.temperature = Uniform(70, 95);
    v.fuel = Uniform(10, 100);
    v.target_speed = Uniform(0, 110);
    vehicles_.push_back(v);
  }
}

// The standard distributions differ between libraries; this does not.
double Fleet::Uniform(double low, double high) {
  const double unit = static_cast<double>(random_() >> 11) * 0x1.0p-53;
  return low + (high - low) * unit;
}

void Fleet::Drive(Vehicle& v) {
  const double seconds = std::chrono::duration<double>(options_.step).count();
  if (Uniform(0, 1) < 0.02 * seconds) {
    // Mostly within limits; one choice in eight is a motorway sprint.
    v.target_speed = Uniform(0, 8) < 1 ? Uniform(120, 150) : Uniform(0, 115);
  }
  v.speed += std::clamp(v.target_speed - v.speed, -8 * seconds, 5 * seconds);
  v.speed = std::max(0.0, v.speed);
  const double km = v.speed * seconds / 3600;
  v.odometer += km;
  v.heading = std::fmod(v.heading + Uniform(-5, 5) + 360, 360);
  v.lat += km / kKmPerDegree * std::cos(v.heading * 0.017453292519943295);
  v.lon += km / kKmPerDegree * std::sin(v.heading * 0.017453292519943295);
  if (v.hot_for == 0 && Uniform(0, 1) < 0.0005 * seconds) v.hot_for = 90;
  const double warm = v.hot_for > 0 ? 118 : 88;
  v.hot_for = std::max(0, v.hot_for - 1);
  v.temperature += (warm - v.temperature) * std::min(1.0, 0.05 * seconds) +
                   Uniform(-0.3, 0.3);
  v.fuel = v.fuel < 5 ? 100 : v.fuel - km * 0.01;
}

void Fleet::Write(const Vehicle& v, Timestamp t) {
  sample_.key = v.id;
  sample_.value.clear();
  fmt::format_to(
      std::back_inserter(sample_.value),
      R"({{"vehicle_id":"{}","ts":{},"lat":{:.6f},"lon":{:.6f},)"
      R"("speed_kmph":{:.1f},"heading_deg":{:.1f},"odometer_km":{:.3f},)"
      R"("engine_temp_c":{:.1f},"rpm":{},"fuel_pct":{:.2f},)"
      R"("battery_v":{:.2f},"ignition":{},"status":"{}; lte 3 of 5; fw 7.12.4; up 86400 s"}})",
      v.id, ToEpochMillis(t), v.lat, v.lon, v.speed, v.heading, v.odometer,
      v.temperature, static_cast<int>(700 + v.speed * 25), v.fuel,
      13.2 + v.speed * 0.005, v.speed > 0 ? "true" : "false",
      v.speed > 0 ? "driving" : "standing");
}

const Fleet::Sample& Fleet::Next() {
  Vehicle& vehicle = vehicles_[next_];
  Drive(vehicle);
  const auto dice = static_cast<int>(Uniform(0, 1000));
  if (dice < options_.bad_per_mille) {
    Write(vehicle, now_);
    sample_.value.resize(sample_.value.size() / 2);  // A cut-off upload.
  } else if (dice < options_.bad_per_mille + options_.late_per_mille) {
    Write(vehicle, now_ - std::chrono::minutes(5));
  } else {
    Write(vehicle, now_);
  }
  if (++next_ == vehicles_.size()) {
    next_ = 0;
    now_ += options_.step;
  }
  return sample_;
}

}  // namespace tacho
