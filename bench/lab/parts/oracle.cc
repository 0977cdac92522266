#include "bench/lab/parts/oracle.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "pipeline/base/check.h"

namespace tacho::lab {
namespace {

// The number of a field; strtod stops at what follows it.
const char* Field(const std::string& message, const char* name) {
  const size_t at = message.find(name);
  CHECK(at != std::string::npos);
  return message.c_str() + at + std::string_view(name).size();
}

}  // namespace

void Oracle::Add(std::string_view vehicle, const std::string& message) {
  const int64_t ts = std::strtoll(Field(message, "\"ts\":"), nullptr, 10);
  const double speed = std::strtod(Field(message, "\"speed_kmph\":"), nullptr);
  const double temperature =
      std::strtod(Field(message, "\"engine_temp_c\":"), nullptr);
  const double odometer =
      std::strtod(Field(message, "\"odometer_km\":"), nullptr);
  Vehicle& v = vehicles_[std::string(vehicle)];
  WindowResult& w = v.windows[ts - ts % kWindowMs];
  w.speed_min = w.samples == 0 ? speed : std::min(w.speed_min, speed);
  w.speed_max = w.samples == 0 ? speed : std::max(w.speed_max, speed);
  w.engine_temp_max =
      w.samples == 0 ? temperature : std::max(w.engine_temp_max, temperature);
  w.speed_sum += speed;
  if (ts >= w.last_ts) {
    w.last_ts = ts;
    w.speed_last = speed;
  }
  if (v.odometer >= 0 && odometer > v.odometer) {
    w.distance += odometer - v.odometer;
  }
  v.odometer = odometer;
  ++w.samples;
  v.clock = std::max(v.clock, ts);
}

void Oracle::WriteTo(const std::string& path) const {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(
      std::fopen(path.c_str(), "w"), &std::fclose);
  CHECK(out != nullptr);
  for (const auto& [id, vehicle] : vehicles_) {
    for (const auto& [start, w] : vehicle.windows) {
      if (vehicle.clock < start + kWindowMs + kLatenessMs) continue;
      std::fprintf(out.get(),
                   "%s\t%lld\t%lld\t%.17g\t%.17g\t%.17g\t%.17g\t%.17g\t%.17g\n",
                   id.c_str(), static_cast<long long>(start),
                   static_cast<long long>(w.samples), w.speed_min,
                   w.speed_sum / static_cast<double>(w.samples), w.speed_max,
                   w.speed_last, w.engine_temp_max, w.distance);
    }
  }
}

}  // namespace tacho::lab
