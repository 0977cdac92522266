#include "pipeline/decode/epoch_parser.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "tests/decode/documents.h"

namespace tacho {
namespace {

using enum EventTimeFormat;

// The milliseconds, or the reason's name.
std::string Epoch(std::string_view number, EventTimeFormat format) {
  Timestamp out;
  const auto refused =
      ParseEpoch(PaddedText(number, "31.e").view(), format, out);
  return refused ? RejectReasonName(*refused)
                 : std::to_string(ToEpochMillis(out));
}

TEST(ParseEpochTest, DecimalSecondsAreExact) {
  EXPECT_EQ(Epoch("1364323939.029000", kEpochSeconds), "1364323939029");
  EXPECT_EQ(Epoch("1364323939.029", kEpochSeconds), "1364323939029");
  EXPECT_EQ(Epoch("1364323939", kEpochSeconds), "1364323939000");
  EXPECT_EQ(Epoch("0.001", kEpochSeconds), "1");
  EXPECT_EQ(Epoch("0.0009999", kEpochSeconds), "0");
  EXPECT_EQ(Epoch("-0.0001", kEpochSeconds), "-1");
  EXPECT_EQ(Epoch("-1.5", kEpochSeconds), "-1500");
}

TEST(ParseEpochTest, FinerThanAMillisecondGoesToThePast) {
  EXPECT_EQ(Epoch("1769443200000.9", kEpochMillis), "1769443200000");
  EXPECT_EQ(Epoch("1769443200000999", kEpochMicros), "1769443200000");
  EXPECT_EQ(Epoch("1769443200000999999", kEpochNanos), "1769443200000");
  EXPECT_EQ(Epoch("-1", kEpochMicros), "-1");
  EXPECT_EQ(Epoch("-1000", kEpochMicros), "-1");
  EXPECT_EQ(Epoch("-1001", kEpochMicros), "-2");
  EXPECT_EQ(Epoch("-1e-30", kEpochSeconds), "-1");
}

TEST(ParseEpochTest, ExponentFormIsTheSameNumber) {
  EXPECT_EQ(Epoch("1.7694432e12", kEpochMillis), "1769443200000");
  EXPECT_EQ(Epoch("17694432E+5", kEpochMillis), "1769443200000");
  EXPECT_EQ(Epoch("17694432000000e-1", kEpochMillis), "1769443200000");
  EXPECT_EQ(Epoch("0.0000017694432e+18", kEpochMillis), "1769443200000");
  EXPECT_EQ(Epoch("0e99999999999999999999", kEpochMillis), "0");
  EXPECT_EQ(Epoch("-0.0", kEpochMillis), "0");
  EXPECT_EQ(Epoch("1e-99999999999999999999", kEpochMillis), "0");
}

TEST(ParseEpochTest, Int64BoundsAreReachedAndNotPassed) {
  EXPECT_EQ(Epoch("9223372036854775807", kEpochMillis), "9223372036854775807");
  EXPECT_EQ(Epoch("9223372036854775.807", kEpochSeconds),
            "9223372036854775807");
  EXPECT_EQ(Epoch("-9223372036854775.808", kEpochSeconds),
            "-9223372036854775808");
  for (const char* text :
       {"9223372036854775808", "1e400", "-1e400", "1e99999999999999999999",
        "18446744073709551616", "9223372036854775807.0e1"}) {
    EXPECT_EQ(Epoch(text, kEpochMillis), "out_of_range") << text;
  }
  EXPECT_EQ(Epoch("9223372036854775.808", kEpochSeconds), "out_of_range");
  EXPECT_EQ(Epoch("-9223372036854775.8081", kEpochSeconds), "out_of_range");
}

TEST(ParseEpochTest, AutoGoesByTheDigitsBeforeThePoint) {
  EXPECT_EQ(Epoch("99999999999", kAuto), "99999999999000");
  EXPECT_EQ(Epoch("100000000000", kAuto), "100000000000");
  EXPECT_EQ(Epoch("99999999999999", kAuto), "99999999999999");
  EXPECT_EQ(Epoch("100000000000000", kAuto), "100000000000");
  EXPECT_EQ(Epoch("99999999999999999", kAuto), "99999999999999");
  EXPECT_EQ(Epoch("100000000000000000", kAuto), "100000000000");
  EXPECT_EQ(Epoch("1364323939.029000", kAuto), "1364323939029");
  EXPECT_EQ(Epoch("1.7694432e12", kAuto), "1769443200000");
  EXPECT_EQ(Epoch("1769443200000.5", kAuto), "1769443200000");
  EXPECT_EQ(Epoch("-1", kAuto), "-1000");
  EXPECT_EQ(Epoch("-100000000000", kAuto), "-100000000000");
  EXPECT_EQ(Epoch("0", kAuto), "0");
}

TEST(ParseEpochTest, NumberIsNoIso8601) {
  EXPECT_EQ(Epoch("1769443200000", kIso8601), "wrong_type");
}

// A number is written from 128-bit nanoseconds in each unit and in several
// spellings; integer division gives the expected millisecond.
TEST(ParseEpochTest, EqualsIntegerArithmeticInEverySpelling) {
  std::mt19937_64 random(42);
  const struct {
    EventTimeFormat format;
    size_t places;  // Of a nanosecond.
  } units[] = {{kEpochSeconds, 9},
               {kEpochMillis, 6},
               {kEpochMicros, 3},
               {kEpochNanos, 0}};
  for (int i = 0; i < 20000; ++i) {
    const int64_t nanos = static_cast<int64_t>(random()) >> (random() % 40);
    const int64_t rest = nanos % 1000000;
    const int64_t expected = nanos / 1000000 - (rest < 0 ? 1 : 0);
    const std::string sign = nanos < 0 ? "-" : "";
    std::string digits = std::to_string(nanos).substr(sign.size());
    for (const auto& unit : units) {
      std::string padded = digits;
      if (padded.size() <= unit.places) {
        padded.insert(0, unit.places + 1 - padded.size(), '0');
      }
      const std::string whole = padded.substr(0, padded.size() - unit.places);
      const std::string part = padded.substr(padded.size() - unit.places);
      std::string plain = sign + whole;
      if (unit.places > 0) plain += "." + part;
      ASSERT_EQ(Epoch(plain, unit.format), std::to_string(expected)) << plain;
      const std::string power =
          sign + digits + "e-" + std::to_string(unit.places);
      ASSERT_EQ(Epoch(power, unit.format), std::to_string(expected)) << power;
      const std::string pointed = sign + digits.substr(0, 1) + "." +
                                  digits.substr(1) + "0E+" +
                                  std::to_string(digits.size() - 1);
      ASSERT_EQ(Epoch(pointed, kEpochNanos), std::to_string(expected));
    }
  }
}

}  // namespace
}  // namespace tacho
