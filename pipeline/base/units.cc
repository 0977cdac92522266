#include "pipeline/base/units.h"

#include <algorithm>
#include <array>
#include <numbers>

namespace tacho {
namespace {

using enum Dimension;

// 1 lbf / 1 in^2 = 0.45359237 kg * 9.80665 m/s^2 / (0.0254 m)^2, in kPa.
constexpr double kPsiFactor = 44482216152605.0;
constexpr double kPsiDivisor = 6451600000000.0;
// Mechanical horsepower, 550 ft lbf/s; the decimal is exact.
constexpr double kHorsepowerKilowatts = 0.74569987158227022;

// The first unit of a dimension is its own. An alias is a row of its own.
constexpr auto kUnits = std::to_array<Unit>({
    {"km/h", kSpeed, 0, 1},
    {"kmh", kSpeed, 0, 1},
    {"mph", kSpeed, 0, 25146, 15625},
    {"knots", kSpeed, 0, 463, 250},
    {"kn", kSpeed, 0, 463, 250},
    {"m/s", kSpeed, 0, 18, 5},

    {"km", kDistance, 0, 1},
    {"m", kDistance, 0, 1, 1000},
    {"mi", kDistance, 0, 25146, 15625},
    {"miles", kDistance, 0, 25146, 15625},
    {"ft", kDistance, 0, 381, 1250000},

    {"celsius", kTemperature, 0, 1},
    {"°C", kTemperature, 0, 1},
    {"C", kTemperature, 0, 1},
    {"fahrenheit", kTemperature, 32, 5, 9},
    {"°F", kTemperature, 32, 5, 9},
    {"F", kTemperature, 32, 5, 9},
    {"kelvin", kTemperature, 273.15, 1},
    {"K", kTemperature, 273.15, 1},

    {"degrees", kAngle, 0, 1},
    {"deg", kAngle, 0, 1},
    {"°", kAngle, 0, 1},
    {"radians", kAngle, 0, 180, std::numbers::pi},
    {"rad", kAngle, 0, 180, std::numbers::pi},

    {"kPa", kPressure, 0, 1},
    {"Pa", kPressure, 0, 1, 1000},
    {"hPa", kPressure, 0, 1, 10},
    {"bar", kPressure, 0, 100},
    {"psi", kPressure, 0, kPsiFactor, kPsiDivisor},

    {"l", kVolume, 0, 1},
    {"ml", kVolume, 0, 1, 1000},
    {"m3", kVolume, 0, 1000},
    {"gal", kVolume, 0, 473176473, 125000000},  // US, 231 cubic inches.
    {"gal_uk", kVolume, 0, 454609, 100000},

    {"kWh", kEnergy, 0, 1},
    {"Wh", kEnergy, 0, 1, 1000},
    {"MJ", kEnergy, 0, 5, 18},
    {"J", kEnergy, 0, 1, 3600000},

    {"s", kTime, 0, 1},
    {"ms", kTime, 0, 1, 1000},
    {"min", kTime, 0, 60},
    {"h", kTime, 0, 3600},

    {"rpm", kRotation, 0, 1},

    {"percent", kRatio, 0, 1},
    {"%", kRatio, 0, 1},
    {"ratio", kRatio, 0, 100},  // 0 to 1.

    {"V", kVoltage, 0, 1},
    {"mV", kVoltage, 0, 1, 1000},

    {"A", kCurrent, 0, 1},
    {"mA", kCurrent, 0, 1, 1000},

    {"kW", kPower, 0, 1},
    {"W", kPower, 0, 1, 1000},
    {"hp", kPower, 0, kHorsepowerKilowatts},

    {"m/s^2", kAcceleration, 0, 1},
    {"m/s2", kAcceleration, 0, 1},
    {"g", kAcceleration, 0, 196133, 20000},  // Standard gravity.
});

}  // namespace

const Unit* FindUnit(std::string_view text) {
  const auto found = std::ranges::find(kUnits, text, &Unit::name);
  return found == kUnits.end() ? nullptr : &*found;
}

std::vector<std::string_view> UnitNames() {
  std::vector<std::string_view> names;
  names.reserve(kUnits.size());
  for (const Unit& unit : kUnits) names.push_back(unit.name);
  return names;
}

std::string_view InsideUnit(Dimension dimension) {
  const auto found = std::ranges::find(kUnits, dimension, &Unit::dimension);
  return found == kUnits.end() ? std::string_view("") : found->name;
}

std::string_view DimensionName(Dimension dimension) {
  switch (dimension) {
    case kNone:
      return "none";
    case kSpeed:
      return "speed";
    case kDistance:
      return "distance";
    case kTemperature:
      return "temperature";
    case kAngle:
      return "angle";
    case kPressure:
      return "pressure";
    case kVolume:
      return "volume";
    case kEnergy:
      return "energy";
    case kTime:
      return "time";
    case kRotation:
      return "rotation";
    case kRatio:
      return "ratio";
    case kVoltage:
      return "voltage";
    case kCurrent:
      return "current";
    case kPower:
      return "power";
    case kAcceleration:
      return "acceleration";
  }
  return "none";
}

}  // namespace tacho
