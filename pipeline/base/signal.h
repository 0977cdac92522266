#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tacho {

enum class SignalType : uint8_t { kDouble, kInt64, kBool, kString };

const char* SignalTypeName(SignalType type);  // "double", "int64", ...

// The physical dimension of a signal. Inside tacho every quantity is held in
// its dimension's one unit, named here; `unit:` in a job says what the feed
// sends, and decode converts.
enum class Dimension : uint8_t {
  kNone,          // no unit
  kSpeed,         // km/h
  kDistance,      // km
  kTemperature,   // degrees Celsius
  kAngle,         // degrees
  kPressure,      // kPa
  kVolume,        // l
  kEnergy,        // kWh
  kTime,          // s
  kRotation,      // rpm
  kRatio,         // percent
  kVoltage,       // V
  kCurrent,       // A
  kPower,         // kW
  kAcceleration,  // m/s^2
};

struct Unit;

// One named, typed, unit-carrying value of a record.
struct Signal {
  std::string name;
  SignalType type = SignalType::kDouble;
  Dimension dimension = Dimension::kNone;
  // What the feed sends, if that is not the dimension's own unit. Beside such
  // a signal a bare number could mean either.
  const Unit* feed_unit = nullptr;
  // A sum or a difference that a stream has made: its dimension's zero is
  // nothing to it, so no unit with another zero (°F) can express it.
  bool relative = false;
};

// The signals of a job, in the order of the batch's columns.
// Threading: immutable after the job is loaded.
class SignalSchema {
 public:
  SignalSchema() = default;
  explicit SignalSchema(std::vector<Signal> signals);

  size_t size() const { return signals_.size(); }
  const Signal& operator[](size_t i) const { return signals_[i]; }
  // The first of that name, by binary search.
  std::optional<size_t> Find(std::string_view name) const;

 private:
  std::vector<Signal> signals_;
  // Indices in the order of the names: no views of them, which a copy would
  // leave behind.
  std::vector<uint32_t> by_name_;
};

}  // namespace tacho
