#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "pipeline/base/time.h"

namespace tacho {

struct FleetOptions {
  uint64_t seed = 1;
  int vehicles = 200;
  Timestamp start;    // Event time of the first message.
  Millis step{1000};  // Between two messages of one vehicle.
  // Shares of messages, in thousandths: sent late and out of order, refused
  // by any sane decoder.
  int late_per_mille = 5;
  int bad_per_mille = 1;
};

// A seeded synthetic fleet: vehicles that drive, speed, overheat, stop and
// now and then send an old or a broken message. The same options give the
// same messages, byte for byte.
//
// A message is one JSON object of about 300 bytes with 13 fields: vehicle_id,
// ts (epoch ms), lat, lon, speed_kmph, heading_deg, odometer_km,
// engine_temp_c, rpm, fuel_pct, battery_v, ignition, status.
//
// Threading: one thread.
class Fleet {
 public:
  explicit Fleet(const FleetOptions& options);

  struct Sample {
    std::string key;    // The vehicle id.
    std::string value;  // The message.
  };
  // The next message, vehicles in turn. Valid until the next call.
  const Sample& Next();

  // Event time that the fleet has reached.
  Timestamp now() const { return now_; }

 private:
  struct Vehicle {
    std::string id;
    double lat = 0;
    double lon = 0;
    double speed = 0;         // km/h
    double target_speed = 0;  // km/h
    double heading = 0;       // degrees
    double odometer = 0;      // km
    double temperature = 0;   // degrees Celsius
    double fuel = 0;          // percent
    int hot_for = 0;          // Steps that the engine stays too hot.
  };

  double Uniform(double low, double high);
  void Drive(Vehicle& vehicle);
  void Write(const Vehicle& vehicle, Timestamp t);

  FleetOptions options_;
  std::mt19937_64 random_;
  std::vector<Vehicle> vehicles_;
  size_t next_ = 0;
  Timestamp now_;
  Sample sample_;
};

}  // namespace tacho
