#include "pipeline/kafka/group_metadata.h"

#include <gtest/gtest.h>

#include <string>

namespace tacho {
namespace {

GroupMembership RoundTrip(const GroupMembership& membership) {
  const auto metadata = MakeGroupMetadata(membership);
  const Result<GroupMembership> read = ReadGroupMetadata(metadata.get());
  EXPECT_TRUE(read.ok()) << read.status().ToString();
  return read.ok() ? *read : GroupMembership();
}

// Also holds on a newer librdkafka, whose serialised form might differ.
TEST(GroupMetadataTest, ReadsBackWhatLibrdkafkaIsGiven) {
  const GroupMembership dynamic{"group", 17, "member-1", ""};
  const GroupMembership with_instance{"g", 0, "m", "instance-3"};
  EXPECT_EQ(RoundTrip(dynamic), dynamic);
  EXPECT_EQ(RoundTrip(with_instance), with_instance);
  EXPECT_TRUE(dynamic.valid());
}

TEST(GroupMetadataTest, WithoutGenerationOrMemberItIsNotValid) {
  EXPECT_FALSE(RoundTrip({"g", -1, "m", ""}).valid());
  EXPECT_FALSE(RoundTrip({"g", 3, "", ""}).valid());
  EXPECT_FALSE(GroupMembership().valid());
}

TEST(GroupMetadataTest, RefusesEveryTruncationAndOtherFormats) {
  std::string good("CGMDv2:\x05\0\0\0group\0member\0\0inst\0", 30);
  ASSERT_TRUE(ParseGroupMetadata(good).ok());
  EXPECT_EQ(ParseGroupMetadata(good)->instance_id, "inst");
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ParseGroupMetadata({good.data(), size}).ok()) << size;
  }
  EXPECT_FALSE(ParseGroupMetadata(good + "x").ok());
  good[5] = '3';
  EXPECT_FALSE(ParseGroupMetadata(good).ok());
}

}  // namespace
}  // namespace tacho
