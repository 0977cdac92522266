#include "pipeline/base/iso8601.h"

#include <date/date.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <random>
#include <string>

namespace tacho {
namespace {

// The milliseconds, or the reason's name.
std::string Iso(std::string_view text) {
  Timestamp out;
  const auto refused = ParseIso8601(text, out);
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

TEST(FormatIso8601Test, WritesMillisecondsAndUtc) {
  EXPECT_EQ(FormatIso8601(FromEpochMillis(0)), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatIso8601(FromEpochMillis(-1)), "1969-12-31T23:59:59.999Z");
  EXPECT_EQ(FormatIso8601(FromEpochMillis(1760184794015)),
            "2025-10-11T12:13:14.015Z");
  EXPECT_EQ(FormatIso8601(kFirstIso8601), "0000-01-01T00:00:00.000Z");
  EXPECT_EQ(FormatIso8601(kPastIso8601 - Millis(1)),
            "9999-12-31T23:59:59.999Z");
}

TEST(FormatIso8601Test, IsReadBackAsItWas) {
  std::mt19937_64 random(43);
  const auto span =
      static_cast<uint64_t>((kPastIso8601 - kFirstIso8601) / Millis(1));
  for (int i = 0; i < 30000; ++i) {
    const Timestamp time =
        kFirstIso8601 + Millis(static_cast<int64_t>(random() % span));
    const std::string text = FormatIso8601(time);
    ASSERT_EQ(text.size(), kIso8601Bytes);
    ASSERT_EQ(Iso(text), std::to_string(ToEpochMillis(time))) << text;
  }
}

}  // namespace
}  // namespace tacho
