#include "pipeline/base/units.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <numbers>
#include <utility>

#include "pipeline/base/suggestion.h"

namespace tacho {
namespace {

using enum Dimension;

// 1 lbf / 1 in^2 = 0.45359237 kg * 9.80665 m/s^2 / (0.0254 m)^2, in kPa.
constexpr double kPsiFactor = 44482216152605.0;
constexpr double kPsiDivisor = 6451600000000.0;
// Mechanical horsepower, 550 ft lbf/s; the decimal is exact.
constexpr double kHorsepowerKilowatts = 0.74569987158227022;

constexpr bool kDecimal = true;

// The first unit of a dimension is its own. An alias is a row of its own.
constexpr auto kUnits = std::to_array<Unit>({
    {"km/h", kSpeed, 0, 1},
    {"kmh", kSpeed, 0, 1},
    {"mph", kSpeed, 0, 25146, 15625},
    {"knots", kSpeed, 0, 463, 250},
    {"kn", kSpeed, 0, 463, 250},
    {"m/s", kSpeed, 0, 18, 5, kDecimal},

    {"km", kDistance, 0, 1},
    {"m", kDistance, 0, 1, 1000},
    {"mi", kDistance, 0, 25146, 15625},
    {"miles", kDistance, 0, 25146, 15625},
    {"ft", kDistance, 0, 381, 1250000},

    {"celsius", kTemperature, 0, 1},
    {"°C", kTemperature, 0, 1},
    {"C", kTemperature, 0, 1},
    {"fahrenheit", kTemperature, 32, 5, 9, kDecimal},
    {"°F", kTemperature, 32, 5, 9, kDecimal},
    {"F", kTemperature, 32, 5, 9, kDecimal},
    {"kelvin", kTemperature, 273.15, 1, 1, kDecimal},
    {"K", kTemperature, 273.15, 1, 1, kDecimal},

    {"degrees", kAngle, 0, 1},
    {"deg", kAngle, 0, 1},
    {"°", kAngle, 0, 1},
    {"radians", kAngle, 0, 180, std::numbers::pi},
    {"rad", kAngle, 0, 180, std::numbers::pi},

    {"kPa", kPressure, 0, 1},
    {"Pa", kPressure, 0, 1, 1000},
    {"hPa", kPressure, 0, 1, 10},
    {"bar", kPressure, 0, 100, 1, kDecimal},
    {"psi", kPressure, 0, kPsiFactor, kPsiDivisor},

    {"l", kVolume, 0, 1},
    {"ml", kVolume, 0, 1, 1000},
    {"m3", kVolume, 0, 1000, 1, kDecimal},
    {"gal", kVolume, 0, 473176473, 125000000},  // US, 231 cubic inches.
    {"gal_uk", kVolume, 0, 454609, 100000},

    {"kWh", kEnergy, 0, 1},
    {"Wh", kEnergy, 0, 1, 1000},
    {"MJ", kEnergy, 0, 5, 18},
    {"J", kEnergy, 0, 1, 3600000},

    {"s", kTime, 0, 1},
    {"ms", kTime, 0, 1, 1000},
    {"min", kTime, 0, 60, 1, kDecimal},
    {"h", kTime, 0, 3600, 1, kDecimal},

    {"rpm", kRotation, 0, 1},

    {"percent", kRatio, 0, 1},
    {"%", kRatio, 0, 1},
    {"ratio", kRatio, 0, 100, 1, kDecimal},  // 0 to 1.

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

// What people write for a unit that has another name here.
constexpr std::array<std::pair<std::string_view, std::string_view>, 17>
    kSpellings = {{{"Km", "km"},
                   {"KM", "km"},
                   {"kph", "km/h"},
                   {"kmph", "km/h"},
                   {"mi/h", "mph"},
                   {"mps", "m/s"},
                   {"degC", "celsius"},
                   {"degF", "fahrenheit"},
                   {"degK", "kelvin"},
                   {"meter", "m"},
                   {"metres", "m"},
                   {"mile", "mi"},
                   {"litre", "l"},
                   {"liter", "l"},
                   {"sec", "s"},
                   {"volt", "V"},
                   {"pct", "percent"}}};

// Shorter names are units of something else in another case (mA, MA) or with
// another letter (Nm, km).
constexpr size_t kMinCaseBytes = 3;
constexpr size_t kMinSlipBytes = 4;

bool SameButForCase(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    return std::tolower(static_cast<unsigned char>(x)) ==
           std::tolower(static_cast<unsigned char>(y));
  });
}

// Below 2^51 a sum with this has no room for a fraction: adding it and taking
// it away rounds to a whole number.
constexpr double kRounder = 6755399441055744.0;  // 1.5 * 2^52
constexpr double kMaxRounded = 2251799813685248.0;
constexpr double kMaxExact = 9007199254740992.0;  // 2^53

}  // namespace

// In millionths, or billionths if that is not all of it, a decimal is a whole
// number, of which sums and products are exact: only the division rounds.
double Unit::DecimalToCanonical(double value) const {
  for (const double scale : {1e6, 1e9}) {
    const double scaled = value * scale;
    if (!(std::fabs(scaled) < kMaxRounded)) break;
    const double whole = (scaled + kRounder) - kRounder;
    if (whole / scale != value) continue;
    const double product = (whole - zero * scale) * factor;
    if (std::fabs(product) > kMaxExact) break;
    return product / (divisor * scale);
  }
  return Convert(value);
}

double Unit::FromCanonical(double value) const {
  const double exact = value * divisor / factor + zero;
  // The conversion has rounded twice; what people wrote has few digits.
  for (const int decimals : {5, 8, 11, 14}) {
    char digits[32];
    const auto written = std::to_chars(digits, digits + sizeof digits, exact,
                                       std::chars_format::scientific, decimals);
    double rounded = exact;
    std::from_chars(digits, written.ptr, rounded);
    if (ToCanonical(rounded) == value) return rounded;
  }
  return exact;
}

std::string_view NearestUnit(std::string_view text) {
  for (const auto& [spelling, name] : kSpellings) {
    if (text == spelling) return name;
    if (text.size() >= kMinCaseBytes && SameButForCase(text, spelling)) {
      return name;
    }
  }
  std::vector<std::string_view> long_names;
  for (const Unit& unit : kUnits) {
    const size_t size = unit.name.size();
    if (size >= kMinCaseBytes && SameButForCase(text, unit.name)) {
      return unit.name;
    }
    if (size >= kMinSlipBytes) long_names.push_back(unit.name);
  }
  return text.size() < kMinSlipBytes ? "" : Nearest(text, long_names);
}

std::string UnknownUnit(std::string_view name, char quote) {
  const std::string unknown = "unknown unit " + Quoted(name, quote);
  const std::string_view nearest = NearestUnit(name);
  if (!nearest.empty()) {
    return unknown + "; did you mean " + Quoted(nearest, quote) + "?";
  }
  return unknown + "; known: " + JoinNames(CanonicalUnits()) +
         ", and others of their dimensions";
}

std::vector<std::string_view> CanonicalUnits() {
  std::vector<std::string_view> names;
  for (const Unit& unit : kUnits) {
    if (CanonicalUnit(unit.dimension) == unit.name) names.push_back(unit.name);
  }
  return names;
}

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

std::string BothSpellings(double number, const Unit& feed) {
  char text[32];
  char* const end = std::to_chars(text, text + sizeof text, number).ptr;
  const std::string bare(&text[0], end);
  return "write \"" + bare + " " + std::string(feed.name) + "\" or \"" + bare +
         " " + std::string(CanonicalUnit(feed.dimension)) + "\"";
}

std::string_view CanonicalUnit(Dimension dimension) {
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
