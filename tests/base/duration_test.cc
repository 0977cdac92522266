#include "pipeline/base/duration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace tacho {
namespace {

using ::testing::HasSubstr;

TEST(DurationTest, ReadsDurations) {
  EXPECT_EQ(ParseDuration("0s")->count(), 0);
  EXPECT_EQ(ParseDuration("200ms")->count(), 200);
  EXPECT_EQ(ParseDuration("10s")->count(), 10000);
  EXPECT_EQ(ParseDuration("30m")->count(), 1800000);
  EXPECT_EQ(ParseDuration("1h30m")->count(), 5400000);
  EXPECT_EQ(ParseDuration("7d")->count(), 604800000);
  EXPECT_EQ(ParseDuration("1d1h1m1s1ms")->count(), 90061001);
  EXPECT_EQ(ParseDuration("100000d")->count(), 8640000000000);
}

TEST(DurationTest, RefusesWhatIsNoDuration) {
  for (const char* text :
       {"", "10", "s", "-1s", "+1s", "1.5s", "10 s", "1s ", "1m1h", "1s1s",
        "1S", "1min", "1h30", "1w", "100001d", "99999999999999999999s",
        "18446744073709551615d"}) {
    EXPECT_FALSE(ParseDuration(text).ok()) << text;
  }
  EXPECT_THAT(ParseDuration("10").status().message(),
              HasSubstr("'10' is not a duration; write digits and a unit"));
  EXPECT_THAT(ParseDuration("100000d1ms").status().message(),
              HasSubstr("more than 100,000 days"));
}

TEST(DurationTest, FormattedDurationsReadBack) {
  EXPECT_EQ(FormatDuration(Millis{0}), "0s");
  EXPECT_EQ(FormatDuration(Millis{5400000}), "1h30m");
  std::mt19937_64 random(7);
  for (int i = 0; i < 1000; ++i) {
    const Millis value{
        static_cast<int64_t>(random() % (uint64_t{1} << (random() % 43)))};
    EXPECT_EQ(*ParseDuration(FormatDuration(value)), value);
  }
}

}  // namespace
}  // namespace tacho
