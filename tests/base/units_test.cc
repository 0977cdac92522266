#include "pipeline/base/units.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace tacho {
namespace {

// The definitions, written a second time and another way: as the decimal that
// the standards print, scaled to a whole number.
struct Definition {
  const char* unit;
  Dimension dimension;
  long double zero;
  long double numerator;
  long double denominator;
};

const long double kPi = 3.141592653589793238462643383279502884L;

const Definition kDefinitions[] = {
    {"km/h", Dimension::kSpeed, 0, 1, 1},
    {"kmh", Dimension::kSpeed, 0, 1, 1},
    {"mph", Dimension::kSpeed, 0, 1609344, 1000000},
    {"knots", Dimension::kSpeed, 0, 1852, 1000},
    {"kn", Dimension::kSpeed, 0, 1852, 1000},
    {"m/s", Dimension::kSpeed, 0, 3600, 1000},
    {"km", Dimension::kDistance, 0, 1, 1},
    {"m", Dimension::kDistance, 0, 1, 1000},
    {"mi", Dimension::kDistance, 0, 1609344, 1000000},
    {"miles", Dimension::kDistance, 0, 1609344, 1000000},
    {"ft", Dimension::kDistance, 0, 3048, 10000000},
    {"celsius", Dimension::kTemperature, 0, 1, 1},
    {"°C", Dimension::kTemperature, 0, 1, 1},
    {"C", Dimension::kTemperature, 0, 1, 1},
    {"fahrenheit", Dimension::kTemperature, 32, 5, 9},
    {"°F", Dimension::kTemperature, 32, 5, 9},
    {"F", Dimension::kTemperature, 32, 5, 9},
    {"kelvin", Dimension::kTemperature, 273.15L, 1, 1},
    {"K", Dimension::kTemperature, 273.15L, 1, 1},
    {"degrees", Dimension::kAngle, 0, 1, 1},
    {"deg", Dimension::kAngle, 0, 1, 1},
    {"°", Dimension::kAngle, 0, 1, 1},
    {"radians", Dimension::kAngle, 0, 180, kPi},
    {"rad", Dimension::kAngle, 0, 180, kPi},
    {"kPa", Dimension::kPressure, 0, 1, 1},
    {"Pa", Dimension::kPressure, 0, 1, 1000},
    {"hPa", Dimension::kPressure, 0, 100, 1000},
    {"bar", Dimension::kPressure, 0, 100000, 1000},
    {"psi", Dimension::kPressure, 0, 45359237.0L * 980665.0L,
     1e8L * 1e5L * 0.0254L * 0.0254L * 1000},
    {"l", Dimension::kVolume, 0, 1, 1},
    {"ml", Dimension::kVolume, 0, 1, 1000},
    {"m3", Dimension::kVolume, 0, 1000, 1},
    {"gal", Dimension::kVolume, 0, 3785411784, 1000000000},
    {"gal_uk", Dimension::kVolume, 0, 454609, 100000},
    {"kWh", Dimension::kEnergy, 0, 1, 1},
    {"Wh", Dimension::kEnergy, 0, 1, 1000},
    {"MJ", Dimension::kEnergy, 0, 1000000, 3600000},
    {"J", Dimension::kEnergy, 0, 1, 3600000},
    {"s", Dimension::kTime, 0, 1, 1},
    {"ms", Dimension::kTime, 0, 1, 1000},
    {"min", Dimension::kTime, 0, 60, 1},
    {"h", Dimension::kTime, 0, 3600, 1},
    {"rpm", Dimension::kRotation, 0, 1, 1},
    {"percent", Dimension::kRatio, 0, 1, 1},
    {"%", Dimension::kRatio, 0, 1, 1},
    {"ratio", Dimension::kRatio, 0, 100, 1},
    {"V", Dimension::kVoltage, 0, 1, 1},
    {"mV", Dimension::kVoltage, 0, 1, 1000},
    {"A", Dimension::kCurrent, 0, 1, 1},
    {"mA", Dimension::kCurrent, 0, 1, 1000},
    {"kW", Dimension::kPower, 0, 1, 1},
    {"W", Dimension::kPower, 0, 1, 1000},
    {"hp", Dimension::kPower, 0, 550 * 0.3048L * 0.45359237L * 9.80665L, 1000},
    {"m/s^2", Dimension::kAcceleration, 0, 1, 1},
    {"m/s2", Dimension::kAcceleration, 0, 1, 1},
    {"g", Dimension::kAcceleration, 0, 980665, 100000},
};

TEST(UnitsTest, EveryUnitIsDefinedAndNothingElse) {
  std::set<std::string> expected;
  for (const Definition& d : kDefinitions) expected.insert(d.unit);
  std::set<std::string> names;
  for (const std::string_view name : UnitNames()) names.emplace(name);
  EXPECT_EQ(names, expected);
  EXPECT_EQ(UnitNames().size(), expected.size()) << "a name is there twice";
}

TEST(UnitsTest, ConversionIsTheDefinitionToTheLastBits) {
  std::mt19937_64 random(42);
  for (const Definition& d : kDefinitions) {
    const Unit* const unit = FindUnit(d.unit);
    ASSERT_NE(unit, nullptr) << d.unit;
    EXPECT_EQ(unit->dimension, d.dimension) << d.unit;
    for (int i = 0; i < 2000; ++i) {
      const double value =
          std::ldexp(static_cast<double>(random() % 2000001) - 1e6,
                     static_cast<int>(random() % 20) - 10);
      const long double exact = (static_cast<long double>(value) - d.zero) *
                                d.numerator / d.denominator;
      // Subtracting the zero point rounds relative to the operands.
      const long double scale =
          (std::abs(static_cast<long double>(value)) + std::abs(d.zero)) *
          d.numerator / d.denominator;
      const double inside = unit->ToCanonical(value);
      EXPECT_LE(std::abs(inside - exact),
                2 * std::numeric_limits<double>::epsilon() * scale)
          << value << " " << d.unit;
    }
  }
}

TEST(UnitsTest, RoundTripComesBack) {
  std::mt19937_64 random(43);
  for (const Definition& d : kDefinitions) {
    for (int i = 0; i < 500; ++i) {
      const double value = static_cast<double>(random() % 1000000) / 8;
      const long double back =
          static_cast<long double>(FindUnit(d.unit)->ToCanonical(value)) *
              d.denominator / d.numerator +
          d.zero;
      EXPECT_NEAR(static_cast<double>(back), value, 1e-9) << d.unit;
    }
  }
}

TEST(UnitsTest, DecimalScalesGiveTheDecimal) {
  for (int n = 0; n < 20000; ++n) {
    const std::string decimal = std::to_string(n / 1000) + "." +
                                std::to_string(1000 + n % 1000).substr(1);
    ASSERT_EQ(FindUnit("m")->ToCanonical(n), std::stod(decimal)) << n;
  }
}

TEST(UnitsTest, WellKnownPointsAreExact) {
  EXPECT_EQ(FindUnit("mph")->ToCanonical(75), 120.7008);
  EXPECT_EQ(FindUnit("knots")->ToCanonical(10), 18.52);
  EXPECT_EQ(FindUnit("m/s")->ToCanonical(10), 36.0);
  EXPECT_EQ(FindUnit("°F")->ToCanonical(212), 100.0);
  EXPECT_EQ(FindUnit("°F")->ToCanonical(-40), -40.0);
  EXPECT_EQ(FindUnit("K")->ToCanonical(273.15), 0.0);
  EXPECT_EQ(FindUnit("rad")->ToCanonical(std::acos(-1.0)), 180.0);
  EXPECT_EQ(FindUnit("MJ")->ToCanonical(3.6), 1.0);
  EXPECT_EQ(FindUnit("gal")->ToCanonical(1), 3.785411784);
  EXPECT_EQ(FindUnit("psi")->ToCanonical(1), 6.894757293168361);
}

TEST(UnitsTest, AReadingComesBackAsItWasSent) {
  std::mt19937 random(29);
  for (const std::string_view name : UnitNames()) {
    const Unit& unit = *FindUnit(name);
    EXPECT_EQ(unit.FromCanonical(unit.ToCanonical(0)), 0) << name;
    for (int i = 0; i < 2000; ++i) {
      const int whole = static_cast<int>(random() % 2000001) - 1000000;
      for (const double scale : {1.0, 10.0, 1000.0}) {
        const double sent = whole / scale;
        ASSERT_EQ(unit.FromCanonical(unit.ToCanonical(sent)), sent)
            << name << " " << sent;
      }
    }
  }
  EXPECT_EQ(FindUnit("mph")->FromCanonical(100), 62.1371192237334);
}

TEST(UnitsTest, SpellingIsExact) {
  EXPECT_EQ(FindUnit(""), nullptr);
  EXPECT_EQ(FindUnit("MPH"), nullptr);
  EXPECT_EQ(FindUnit("km/h "), nullptr);
  EXPECT_EQ(FindUnit("k"), nullptr);
}

TEST(UnitsTest, CanonicalUnitOfEveryDimensionIsAUnitOfScaleOne) {
  for (int i = 1; i <= static_cast<int>(Dimension::kAcceleration); ++i) {
    const auto dimension = static_cast<Dimension>(i);
    const Unit* const unit = FindUnit(CanonicalUnit(dimension));
    ASSERT_NE(unit, nullptr) << DimensionName(dimension);
    EXPECT_EQ(unit->dimension, dimension);
    EXPECT_EQ(unit->ToCanonical(1234.5), 1234.5);
    EXPECT_NE(DimensionName(dimension), "none");
  }
  EXPECT_EQ(CanonicalUnit(Dimension::kNone), "");
  EXPECT_EQ(CanonicalUnit(Dimension::kRatio), "percent");
  EXPECT_EQ(CanonicalUnit(Dimension::kAcceleration), "m/s^2");
}

// `digits` with the last `decimals` of them after the point.
double Decimal(int64_t digits, int decimals) {
  return std::stod(std::to_string(digits) + "e-" + std::to_string(decimals));
}

TEST(UnitsTest, DecimalReadingsStayDecimal) {
  EXPECT_EQ(FindUnit("ratio")->ToCanonical(0.57), 57.0);
  EXPECT_EQ(FindUnit("bar")->ToCanonical(2.3), 230.0);
  EXPECT_EQ(FindUnit("K")->ToCanonical(293.2), 20.05);
  EXPECT_EQ(FindUnit("F")->ToCanonical(32.9), 0.5);
  EXPECT_EQ(FindUnit("K")->ToCanonical(273.15), 0.0);
  EXPECT_EQ(FindUnit("ratio")->ToCanonical(0.123456789), 12.3456789);
  for (int64_t n = -20000; n < 400000; n += 7) {
    const double thousandths = Decimal(n, 3);
    ASSERT_EQ(FindUnit("ratio")->ToCanonical(thousandths), Decimal(n, 1));
    ASSERT_EQ(FindUnit("bar")->ToCanonical(thousandths), Decimal(n, 1));
    ASSERT_EQ(FindUnit("m3")->ToCanonical(thousandths), Decimal(n, 0));
    ASSERT_EQ(FindUnit("h")->ToCanonical(thousandths), Decimal(n * 36, 1));
    ASSERT_EQ(FindUnit("min")->ToCanonical(thousandths), Decimal(n * 6, 2));
    ASSERT_EQ(FindUnit("m/s")->ToCanonical(thousandths), Decimal(n * 36, 4));
    ASSERT_EQ(FindUnit("K")->ToCanonical(thousandths), Decimal(n - 273150, 3));
  }
}

TEST(UnitsTest, WhatIsNoDecimalIsConvertedAsItIs) {
  const Unit& ratio = *FindUnit("ratio");
  EXPECT_EQ(ratio.ToCanonical(1.0 / 3), 1.0 / 3 * 100);
  EXPECT_EQ(ratio.ToCanonical(1e300), 1e302);
  EXPECT_EQ(ratio.ToCanonical(5e-324), 100 * 5e-324);
  EXPECT_TRUE(std::isinf(ratio.ToCanonical(1.7e308)));
  EXPECT_TRUE(std::isnan(ratio.ToCanonical(std::nan(""))));
}

}  // namespace
}  // namespace tacho
