#include "pipeline/base/time.h"

#include <gtest/gtest.h>

#include <random>

namespace tacho {
namespace {

int64_t StartOf(int64_t ms, int64_t width) {
  return ToEpochMillis(WindowStart(FromEpochMillis(ms), Millis(width)));
}

TEST(WindowStartTest, AlignsToTheEpoch) {
  EXPECT_EQ(StartOf(0, 60000), 0);
  EXPECT_EQ(StartOf(59999, 60000), 0);
  EXPECT_EQ(StartOf(60000, 60000), 60000);
}

TEST(WindowStartTest, Before1970TheWindowStartsEarlierNotLater) {
  EXPECT_EQ(StartOf(-1, 60000), -60000);
  EXPECT_EQ(StartOf(-60000, 60000), -60000);
  EXPECT_EQ(StartOf(-60001, 60000), -120000);
}

TEST(WindowStartTest, WindowHoldsItsTimestamp) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const auto width = static_cast<int64_t>(1 + random() % 100000000);
    const auto ms =
        static_cast<int64_t>(random() % 4000000000000) - 2000000000000;
    const int64_t start = StartOf(ms, width);
    ASSERT_EQ(start % width, 0) << ms << " " << width;
    ASSERT_LE(start, ms);
    ASSERT_LT(ms - start, width);
  }
}

TEST(TimeTest, SentinelsLieOutsideRealTimeWithRoomToAdd) {
  EXPECT_LT(kNoTime, FromEpochMillis(-62135596800000));
  EXPECT_GT(kEndOfTime, FromEpochMillis(253402300800000));
  EXPECT_GT(kEndOfTime + std::chrono::days(365000), kEndOfTime);
  EXPECT_EQ(ToEpochMillis(kNoLogTime), -1);
}

TEST(SystemClockTest, WallTimeIsAfterThisCodeWasWritten) {
  EXPECT_GT(SystemClock().Now(), FromEpochMillis(1735689600000));
  const auto before = SystemClock().Steady();
  EXPECT_GE(SystemClock().Steady(), before);
}

}  // namespace
}  // namespace tacho
