#include "pipeline/commit/kafka_output.h"

#include <gtest/gtest.h>

namespace tacho {
namespace {

constexpr Millis kMinute{60 * 1000};
constexpr Millis kHour = 60 * kMinute;
constexpr Timestamp kNow = FromEpochMillis(1769443200000);

TEST(ClampStampTest, WhatTheTopicTakesStaysAsItIs) {
  const StampLimits limits{24 * kHour, kHour};

  for (const Millis off : {Millis(0), kMinute, -kMinute, 54 * kMinute,
                           -23 * kHour, 55 * kMinute}) {
    EXPECT_EQ(ClampStamp(kNow + off, kNow, limits), kNow + off) << off.count();
  }
}

TEST(ClampStampTest, WhatIsAheadComesBackToWithinTheMargin) {
  const StampLimits limits{24 * kHour, kHour};

  EXPECT_EQ(ClampStamp(kNow + 3 * kHour, kNow, limits),
            kNow + kHour - kStampMargin);
  EXPECT_EQ(ClampStamp(kNow + 56 * kMinute, kNow, limits),
            kNow + kHour - kStampMargin);
  EXPECT_EQ(ClampStamp(kNow + kHour, kNow, {kHour, Millis(10)}),
            kNow + Millis(5));
}

TEST(ClampStampTest, WhatIsTooOldComesForwardToWithinTheMargin) {
  const StampLimits limits{24 * kHour, kHour};

  EXPECT_EQ(ClampStamp(kNow - 48 * kHour, kNow, limits),
            kNow - 24 * kHour + kStampMargin);
  EXPECT_EQ(ClampStamp(FromEpochMillis(0), kNow, limits),
            kNow - 24 * kHour + kStampMargin);
}

TEST(ClampStampTest, WithoutLimitsNothingMovesOrOverflows) {
  const StampLimits none{Millis::max(), Millis::max()};
  for (const int64_t ms : {int64_t{0}, INT64_MAX, INT64_MAX / 2}) {
    EXPECT_EQ(ClampStamp(FromEpochMillis(ms), kNow, none), FromEpochMillis(ms));
  }
}

TEST(ClampStampTest, UnknownSettingsLetNothingBeAheadAndAnythingBeOld) {
  EXPECT_EQ(ClampStamp(kNow + Millis(1), kNow, {}), kNow);
  EXPECT_EQ(ClampStamp(FromEpochMillis(0), kNow, {}), FromEpochMillis(0));
}

}  // namespace
}  // namespace tacho
