#include "tests/support/telemetry.h"

#include <random>

namespace tacho {
namespace {

struct Vehicle {
  std::string id;
  double speed = 60;
  double target = 60;
  double odometer = 1000;
};

// One decimal, as cars send it.
std::string Tenths(double value) {
  const auto tenths = static_cast<int64_t>(value * 10);
  return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10);
}

class Generator {
 public:
  explicit Generator(const TelemetryOptions& options)
      : options_(options), random_(options.seed), now_(options.start_ms) {
    for (int i = 0; i < options.vehicles; ++i) {
      vehicles_.push_back({"car-" + std::to_string(i), 60, 60, 1000.0 + i});
    }
  }

  std::vector<KafkaRecord> Make() {
    std::vector<KafkaRecord> records;
    for (int i = 0; i < options_.messages; ++i) {
      now_ += Below(2 * options_.step_ms);
      KafkaRecord record;
      Vehicle& vehicle = Choose(i);
      record.key = vehicle.id;
      record.value = Below(100) == 0 ? Broken(vehicle) : Good(vehicle);
      records.push_back(std::move(record));
    }
    return records;
  }

 private:
  int64_t Below(int64_t limit) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(limit));
  }

  // Vehicle 0 is silent from 15 % to 75 % of the way.
  Vehicle& Choose(int message) {
    auto i = static_cast<size_t>(Below(options_.vehicles));
    const int percent = message * 100 / options_.messages;
    if (i == 0 && percent >= 15 && percent < 75) i = 1;
    return vehicles_[i];
  }

  // Mostly a few seconds old; now and then minutes.
  int64_t EventTime() {
    if (Below(40) == 0) return now_ - 60000 - Below(300000);
    return now_ - Below(4000);
  }

  void Drive(Vehicle& v) {
    if (Below(12) == 0) v.target = static_cast<double>(Below(170));
    v.speed += (v.target - v.speed) * 0.5;
    v.odometer += v.speed / 100;
  }

  std::string Good(Vehicle& v) {
    Drive(v);
    std::string text = R"({"vehicle_id":")" + v.id + R"(","ts":)" +
                       std::to_string(EventTime());
    // No reading, a null, or a value.
    const int64_t kind = Below(30);
    if (kind == 0) text += R"(,"speed_kmph":null)";
    if (kind > 1) text += R"(,"speed_kmph":)" + Tenths(v.speed);
    // Below -60: the sensor is broken, the record is not.
    text += R"(,"engine_temp_c":)";
    text += Below(25) == 0 ? "-273.1" : Tenths(70 + v.speed / 4);
    if (Below(10) > 0) text += R"(,"odometer_km":)" + Tenths(v.odometer);
    return text + R"(,"note":"\u00e9 \"x\"",)" +
           R"("unused":{"a":[1,2,{"b":null}]}})";
  }

  std::string Broken(const Vehicle& v) {
    const std::string id = R"("vehicle_id":")" + v.id + "\"";
    const std::string ts = R"("ts":)" + std::to_string(now_);
    switch (Below(9)) {
      case 0:
        return "{" + id + "," + ts + R"(,"speed_kmph":5)";
      case 1:
        return "[1,2]";
      case 2:
        return "{" + ts + "}";
      case 3:
        return "{" + id + "}";
      case 4:
        return "{" + id + "," + ts + R"(,"speed_kmph":"fast"})";
      case 5:
        return "{" + id + "," + ts + R"(,"speed_kmph":1000})";
      case 6:
        return "{" + id + R"(,"ts":1000})";
      case 7:
        return "{" + id + R"(,"ts":4102444800000})";
      default:
        return "{" + id + "," + ts + ",\"note\":\"\xff\xfe\"}";
    }
  }

  const TelemetryOptions options_;
  std::mt19937_64 random_;
  int64_t now_;
  std::vector<Vehicle> vehicles_;
};

}  // namespace

std::vector<KafkaRecord> MakeTelemetry(const TelemetryOptions& options) {
  return Generator(options).Make();
}

std::string TelemetryJob(const std::string& prefix,
                         const std::string& bootstrap,
                         const std::string& state_dir,
                         const std::string& guarantee) {
  return "job: " + prefix + "\nkafka:\n  bootstrap.servers: " + bootstrap +
         R"(
  reconnect.backoff.max.ms: 500
group:
  id: )" +
         prefix +
         R"(
  session_timeout: 6s
  heartbeat_interval: 500ms
input:
  topics: [)" +
         prefix + R"(]
  decoder: wide
  vehicle: /vehicle_id
  event_time: {path: /ts, format: epoch_ms}
  signals:
    speed: {path: /speed_kmph, unit: km/h, min: 0 km/h, max: 400 km/h}
    temp:
      {path: /engine_temp_c, unit: celsius, min: -60 celsius,
       max: 250 celsius, on_bad: invalid}
    odometer: {path: /odometer_km, unit: km, min: 0 km}
streams:
  stats:
    operators:
      - window_aggregate:
          window: {tumbling: 1m}
          allowed_lateness: 10s
          aggregates:
            samples: count()
            speeds: count(speed)
            speed_min: min(speed)
            speed_mean: mean(speed)
            speed_max: max(speed)
            speed_last: last(speed)
            temp_max: max(temp)
            distance: distance(odometer)
    output: {topic: )" +
         prefix + R"(.stats}
  alerts:
    operators:
      - excursion:
          {name: fast, when: speed > 120 km/h, for: 5s, clear: speed < 115 km/h}
    output: {topic: )" +
         prefix + R"(.alerts}
rejects: {topic: )" +
         prefix + R"(.rejects}
late: {topic: )" +
         prefix + R"(.late}
state: {dir: )" +
         state_dir + R"(}
commit: {interval: 100ms}
guarantee: )" +
         guarantee + "\n";
}

}  // namespace tacho
