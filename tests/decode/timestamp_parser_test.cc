#include "pipeline/decode/timestamp_parser.h"

#include <date/date.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>

#include "tests/decode/documents.h"

namespace tacho {
namespace {

using enum EventTimeFormat;

// The milliseconds, or the reason's name.
std::string Iso(std::string_view text) {
  Timestamp out;
  const auto refused = ParseIso8601(text, out);
  return refused ? RejectReasonName(*refused)
                 : std::to_string(ToEpochMillis(out));
}

std::string Epoch(std::string_view number, EventTimeFormat format) {
  Timestamp out;
  const auto refused =
      ParseEpoch(PaddedText(number, "31.e").view(), format, out);
  return refused ? RejectReasonName(*refused)
                 : std::to_string(ToEpochMillis(out));
}

TEST(ParseIso8601Test, FormsOfTheSameInstant) {
  for (const char* text :
       {"2026-01-26T16:00:00Z", "2026-01-26t16:00:00z",
        "2026-01-26T16:00:00.0Z", "2026-01-26T16:00:00.000000000Z",
        "2026-01-26T16:00:00+00:00", "2026-01-26T16:00:00-0000",
        "2026-01-26T21:30:00+05:30", "2026-01-26T21:30:00+0530",
        "2026-01-27T15:59:00+23:59", "2026-01-25T16:01:00-23:59"}) {
    EXPECT_EQ(Iso(text), "1769443200000") << text;
  }
}

TEST(ParseIso8601Test, FractionIsCutToMilliseconds) {
  EXPECT_EQ(Iso("2026-01-26T16:00:00.1Z"), "1769443200100");
  EXPECT_EQ(Iso("2026-01-26T16:00:00.1239Z"), "1769443200123");
  EXPECT_EQ(Iso("2026-01-26T16:00:00.999999999Z"), "1769443200999");
  EXPECT_EQ(Iso("1969-12-31T23:59:59.9999Z"), "-1");
}

TEST(ParseIso8601Test, OtherShapesAreTheWrongType) {
  for (const char* text : {"",
                           "yesterday",
                           "2026-01-26T16:00:00",
                           "2026-01-26T16:00:00.5",
                           "2026-01-26 16:00:00Z",
                           "2026-01-26T16:00Z",
                           "2026-01-26",
                           "2026-1-26T16:00:00Z",
                           "10000-01-01T00:00:00Z",
                           "+2026-01-26T16:00:00Z",
                           "2026-01-26T16:00:00.Z",
                           "2026-01-26T16:00:00.0123456789Z",
                           "2026-01-26T16:00:00,5Z",
                           "2026-01-26T16:00:00Z ",
                           " 2026-01-26T16:00:00Z",
                           "2026-01-26T16:00:00+05",
                           "20260126T160000Z",
                           "2026-01-26T16:00:00+5:30",
                           "2026-01-26T16:00:00+05:3",
                           "2026-01-26T16:00:00+05:30Z",
                           "2026-01-26T16:00:00ZZ",
                           "2026-01-26T16:00:00 Z",
                           "2026-01-26T16:00:0aZ",
                           "1769443200000",
                           "-026-01-26T16:00:00Z",
                           "2026-01-26T16-00:00Z",
                           "2026/01-26T16:00:00Z"}) {
    EXPECT_EQ(Iso(text), "wrong_type") << text;
  }
}

TEST(ParseIso8601Test, MomentsThatDoNotExistAreOutOfRange) {
  for (const char* text :
       {"2026-02-30T00:00:00Z", "2025-02-29T00:00:00Z", "1900-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-01-26T24:00:00Z", "2026-01-26T25:00:00Z",
        "2026-01-26T16:60:00Z", "2026-01-26T16:00:61Z",
        "2026-01-26T16:00:00+24:00", "2026-01-26T16:00:00+05:60"}) {
    EXPECT_EQ(Iso(text), "out_of_range") << text;
  }
}

TEST(ParseIso8601Test, LeapSecondIsTheSecondAfterIt) {
  EXPECT_EQ(Iso("2016-12-31T23:59:60Z"), Iso("2017-01-01T00:00:00Z"));
  EXPECT_EQ(Iso("2016-12-31T23:59:60.25Z"), Iso("2017-01-01T00:00:00.25Z"));
  EXPECT_EQ(Iso("2017-01-01T05:29:60+05:30"), Iso("2017-01-01T00:00:00Z"));
  EXPECT_EQ(Iso("2016-12-31T23:58:60Z"), "out_of_range");
  EXPECT_EQ(Iso("2016-12-30T23:59:60Z"), "out_of_range");
  EXPECT_EQ(Iso("2017-01-01T05:29:60Z"), "out_of_range");
}

TEST(ParseIso8601Test, EqualsTheDateLibraryOverFiveThousandYears) {
  std::mt19937_64 random(41);
  for (int i = 0; i < 30000; ++i) {
    // Years 1 to 5000, offsets of whole minutes.
    const int64_t ms =
        static_cast<int64_t>(random() % 157766400000000) - 62135596800000;
    const int offset = static_cast<int>(random() % 1439) - 719;
    const auto local = date::floor<date::days>(Timestamp(Millis(ms)) +
                                               std::chrono::minutes(offset));
    const date::year_month_day day(local);
    const date::hh_mm_ss<Millis> clock(Timestamp(Millis(ms)) +
                                       std::chrono::minutes(offset) - local);
    char text[64];
    std::snprintf(
        text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03d%c%02d:%02d",
        static_cast<int>(day.year()), static_cast<unsigned>(day.month()),
        static_cast<unsigned>(day.day()),
        static_cast<int>(clock.hours().count()),
        static_cast<int>(clock.minutes().count()),
        static_cast<int>(clock.seconds().count()),
        static_cast<int>(clock.subseconds().count()), offset < 0 ? '-' : '+',
        std::abs(offset) / 60, std::abs(offset) % 60);
    if (static_cast<int>(day.year()) < 0) continue;
    ASSERT_EQ(Iso(text), std::to_string(ms)) << text;
  }
}

TEST(ParseIso8601Test, ExistingDaysAreThoseOfTheDateLibrary) {
  for (int year : {0, 1600, 1900, 1970, 2000, 2023, 2024, 2100, 9999}) {
    for (unsigned month = 0; month < 14; ++month) {
      for (unsigned day = 0; day < 33; ++day) {
        char text[64];
        std::snprintf(text, sizeof text, "%04d-%02u-%02uT00:00:00Z", year,
                      month, day);
        const date::year_month_day date{date::year(year), date::month(month),
                                        date::day(day)};
        const std::string expected =
            date.ok()
                ? std::to_string(
                      Millis(date::sys_days(date).time_since_epoch()).count())
                : "out_of_range";
        ASSERT_EQ(Iso(text), expected) << text;
      }
    }
  }
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
