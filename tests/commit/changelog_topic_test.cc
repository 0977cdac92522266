#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/commit/changelog.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(ChangelogTopicTest, WhatWeCreateIsFit) {
  EXPECT_THAT(CheckChangelogTopic(ChangelogTopicConfig(), 8, 8), IsEmpty());
  EXPECT_EQ(DeleteRetention(ChangelogTopicConfig()), kMinDeleteRetention);
}

TEST(ChangelogTopicTest, EveryFaultIsNamedWithTheSettingThatRepairsIt) {
  const auto faults = CheckChangelogTopic(
      {{"cleanup.policy", "compact,delete"}, {"delete.retention.ms", "1000"}},
      4, 8);

  ASSERT_THAT(faults, SizeIs(3));
  EXPECT_THAT(faults[0].what, HasSubstr("4 partitions and its input 8"));
  EXPECT_EQ(faults[0].config, "");
  EXPECT_THAT(faults[1].what, HasSubstr("compact,delete"));
  EXPECT_EQ(faults[1].config, "cleanup.policy=compact");
  EXPECT_THAT(faults[2].what, HasSubstr("1000"));
  EXPECT_EQ(faults[2].config, "delete.retention.ms=86400000");
}

TEST(ChangelogTopicTest, SettingsThatTheBrokerDoesNotSayAreFaults) {
  EXPECT_THAT(CheckChangelogTopic({}, 1, 1), SizeIs(2));
}

}  // namespace
}  // namespace tacho
