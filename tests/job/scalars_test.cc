#include "pipeline/job/scalars.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>

namespace tacho {
namespace {

using ::testing::HasSubstr;

TEST(ScalarsTest, ReadsSizes) {
  EXPECT_EQ(*ParseSize("0"), 0u);
  EXPECT_EQ(*ParseSize("1024"), 1024u);
  EXPECT_EQ(*ParseSize("7B"), 7u);
  EXPECT_EQ(*ParseSize("3kB"), 3000u);
  EXPECT_EQ(*ParseSize("3KiB"), 3072u);
  EXPECT_EQ(*ParseSize("64MB"), 64000000u);
  EXPECT_EQ(*ParseSize("64MiB"), 67108864u);
  EXPECT_EQ(*ParseSize("2GB"), 2000000000u);
  EXPECT_EQ(*ParseSize("2GiB"), 2147483648u);
  EXPECT_EQ(*ParseSize("1048576GiB"), uint64_t{1} << 50);
}

TEST(ScalarsTest, RefusesWhatIsNoSize) {
  for (const char* text :
       {"", "MB", "-1", "1.5MB", "1 MB", "1mb", "1M", "1K", "1TB", "1048577GiB",
        "99999999999999999999", "17179869184GiB"}) {
    EXPECT_FALSE(ParseSize(text).ok()) << text;
  }
}

TEST(ScalarsTest, FormattedSizesReadBack) {
  EXPECT_EQ(FormatSize(64 << 20), "64MiB");
  EXPECT_EQ(FormatSize(1000), "1000B");
  EXPECT_EQ(FormatSize(0), "0B");
  std::mt19937_64 random(8);
  for (int i = 0; i < 1000; ++i) {
    const uint64_t value = (random() % 5000) << (random() % 38);
    EXPECT_EQ(*ParseSize(FormatSize(value)), value);
  }
}

TEST(ScalarsTest, CountsAreDigits) {
  EXPECT_EQ(*ParseCount("18446744073709551615"), UINT64_MAX);
  for (const char* text :
       {"", "-1", "+1", "1e3", "1_000", "0x10", "1 ", "18446744073709551616"}) {
    EXPECT_FALSE(ParseCount(text).ok()) << text;
  }
}

TEST(ScalarsTest, QuantitiesHaveAUnitOrNone) {
  EXPECT_EQ(ParseQuantity("400 km/h")->value, 400);
  EXPECT_EQ(ParseQuantity("400 km/h")->unit, FindUnit("km/h"));
  EXPECT_EQ(ParseQuantity("400km/h")->unit, FindUnit("km/h"));
  EXPECT_EQ(ParseQuantity("-1.5e3")->value, -1500);
  EXPECT_EQ(ParseQuantity("-1.5e3")->unit, nullptr);
  for (const char* text :
       {"", "km/h", "nan", "inf", "1e999", "1 kmh2", "--1"}) {
    EXPECT_FALSE(ParseQuantity(text).ok()) << text;
  }
}

TEST(ScalarsTest, PointsInTimeAreUtc) {
  EXPECT_EQ(ToEpochMillis(*ParsePointInTime("1970-01-01")), 0);
  EXPECT_EQ(ToEpochMillis(*ParsePointInTime("2000-01-01T00:00:00Z")),
            946684800000);
  EXPECT_EQ(ToEpochMillis(*ParsePointInTime("2024-02-29T23:59:59Z")),
            1709251199000);
  EXPECT_EQ(ToEpochMillis(*ParsePointInTime("946684800000")), 946684800000);
  for (const char* text :
       {"", "2000", "2023-02-29", "2000-13-01", "2000-00-01", "2000-01-01T",
        "2000-01-01T00:00:00", "2000-01-01T24:00:00Z", "2000-01-01T00:60:00Z",
        "2000-01-01 00:00:00Z", "2000-01-01T00:00:00+01:00", "20000101",
        "99999999999999999999"}) {
    EXPECT_FALSE(ParsePointInTime(text).ok()) << text;
  }
}

TEST(ScalarsTest, SwitchesHaveTwoSpellingsEach) {
  EXPECT_TRUE(*ParseSwitch("on"));
  EXPECT_TRUE(*ParseSwitch("true"));
  EXPECT_FALSE(*ParseSwitch("off"));
  EXPECT_FALSE(*ParseSwitch("false"));
  EXPECT_FALSE(ParseSwitch("yes").ok());
  EXPECT_FALSE(ParseSwitch("True").ok());
}

TEST(ScalarsTest, TopicsFollowKafkasRules) {
  EXPECT_EQ(CheckTopic("vehicle.telemetry-1_x"), std::nullopt);
  EXPECT_EQ(CheckTopic(std::string(249, 'a')), std::nullopt);
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("a/b"),
        std::string("a b"), std::string("\xc3\xa4"), std::string(250, 'a'),
        std::string("^a")}) {
    EXPECT_NE(CheckTopic(text), std::nullopt) << text;
  }
}

TEST(ScalarsTest, TopicsOfKafkaAndChangelogsAreNotForData) {
  for (const char* const text :
       {"__consumer_offsets", "__transaction_state", "__x", "__"}) {
    EXPECT_THAT(CheckTopic(text).value_or(""), HasSubstr("of Kafka's own"))
        << text;
  }
  for (const char* const text :
       {"g-in-changelog-g0", "eu-cars_2Draw-changelog-g12", "-changelog-g1"}) {
    EXPECT_THAT(CheckTopic(text).value_or(""), HasSubstr("destroys")) << text;
  }
  for (const char* const text :
       {"_x", "a__b", "changelog", "x-changelog", "x-changelog-gx",
        "x-changelog-g1-y", "x-changelog-g01"}) {
    EXPECT_EQ(CheckTopic(text), std::nullopt) << text;
  }
}

TEST(ScalarsTest, GroupsAreWhatKafkaTakes) {
  for (const std::string& text :
       {std::string("telemetry-analytics"), std::string("team/eu west:1"),
        std::string(".."), std::string("/"), std::string("\xc3\xa9 50%"),
        std::string("\xc2\xa0"), std::string(kMaxGroupBytes, 'g')}) {
    EXPECT_EQ(CheckGroupId(text), std::nullopt) << text;
  }
  for (const std::string& text :
       {std::string(), std::string(kMaxGroupBytes + 1, 'g'),
        std::string("a\nb"), std::string("a\x1b[31m"), std::string("\x7f"),
        std::string("a\0b", 3), std::string("\xc2\x9b"), std::string("\xff"),
        std::string("\xc3")}) {
    EXPECT_THAT(CheckGroupId(text).value_or(""), HasSubstr("1 to 1024 bytes"));
  }
}

TEST(ScalarsTest, PointersFollowRfc6901) {
  for (const char* text : {"/a", "/a/b", "/", "/a~0b~1c", "/a.b", "/0"}) {
    EXPECT_EQ(CheckJsonPointer(text), std::nullopt) << text;
  }
  for (const char* text : {"", "a", "a/b", "/a~", "/a~2", "#/a"}) {
    EXPECT_NE(CheckJsonPointer(text), std::nullopt) << text;
  }
}

TEST(ScalarsTest, IdentifiersAreWhatExpressionsCanSay) {
  EXPECT_EQ(CheckIdentifier("_a1"), std::nullopt);
  EXPECT_EQ(CheckIdentifier(std::string(64, 'a')), std::nullopt);
  for (const std::string& text :
       {std::string(), std::string("1a"), std::string("a-b"),
        std::string("and"), std::string("true"), std::string(65, 'a')}) {
    EXPECT_NE(CheckIdentifier(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tacho
