#include "pipeline/commit/offset_metadata.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace tacho {
namespace {

using ::testing::HasSubstr;
using Origin = OffsetMetadata::Origin;

OffsetMetadata Sample(Origin origin) {
  OffsetMetadata metadata;
  metadata.origin = origin;
  metadata.generation = 12;
  metadata.job = "telemetry";
  if (origin == Origin::kEpoch) {
    metadata.epoch = 345;
    metadata.writer_id = "0d5cd6a8-59b3-4c55-a1a3-5f9d8e8f6f01";
    metadata.published = 678;
  }
  return metadata;
}

TEST(OffsetMetadataTest, RoundTripsEveryOrigin) {
  for (const Origin origin : {Origin::kEpoch, Origin::kResetKeep,
                              Origin::kResetWipe, Origin::kStart}) {
    for (const char* const job : {"telemetry", "a;b=c", "50% \n\xc3\xa9", ""}) {
      OffsetMetadata metadata = Sample(origin);
      metadata.job = job;
      EXPECT_EQ(ParseOffsetMetadata(FormatOffsetMetadata(metadata)), metadata);
    }
  }
}

TEST(OffsetMetadataTest, TheTextIsAContract) {
  EXPECT_EQ(FormatOffsetMetadata(Sample(Origin::kEpoch)),
            "tacho2;g=12;e=345;w=0d5cd6a8-59b3-4c55-a1a3-5f9d8e8f6f01;p=678;"
            "j=telemetry");
  EXPECT_EQ(FormatOffsetMetadata(Sample(Origin::kResetWipe)),
            "tacho2;g=12;reset=wipe;j=telemetry");
  EXPECT_EQ(FormatOffsetMetadata(Sample(Origin::kResetKeep)),
            "tacho2;g=12;reset=keep;j=telemetry");
  OffsetMetadata start = Sample(Origin::kStart);
  start.job = "a;b";
  EXPECT_EQ(FormatOffsetMetadata(start), "tacho2;g=12;start;j=a%3Bb");
}

TEST(OffsetMetadataTest, TextOfTacho01IsKnownAsSuch) {
  for (const char* const text : {"tacho1;g=7;e=2;w=a", "tacho1;g=7;reset=wipe",
                                 "tacho1;g=7;reset=keep", "tacho1;g=7;start"}) {
    const auto metadata = ParseOffsetMetadata(text);
    ASSERT_TRUE(metadata.has_value()) << text;
    EXPECT_EQ(metadata->format, 1);
    EXPECT_EQ(metadata->generation, 7);
  }
}

TEST(OffsetMetadataTest, TextOfALaterVersionIsKnownAsSuch) {
  for (const char* const text : {"tacho3;anything", "tacho12", "tacho3;g=1"}) {
    const auto metadata = ParseOffsetMetadata(text);
    ASSERT_TRUE(metadata.has_value()) << text;
    EXPECT_GT(metadata->format, OffsetMetadata::kFormat);
  }
}

TEST(OffsetMetadataTest, TextOfOtherToolsIsNotOurs) {
  for (const char* const text : {"",
                                 "x",
                                 "tacho",
                                 "tacho;g=1",
                                 "tacho0;g=1;start",
                                 "tacho-1;g=1;start",
                                 "tachometer;g=1;start",
                                 "tacho1",
                                 "tacho1;g=;start",
                                 "tacho1;g=-1;start",
                                 "tacho1;g=1",
                                 "tacho1;g=1;reset=other",
                                 "tacho1;g=1;e=2",
                                 "tacho1;g=1;e=x;w=a",
                                 "tacho1;g=1;e=2;w=a;more",
                                 "tacho1;g=1;start;more",
                                 "tacho1;g=99999999999999999999;start",
                                 "tacho1;g=1;start;j=a",
                                 "tacho2",
                                 "tacho2;g=1;start",
                                 "tacho2;g=1;start;j=a;more",
                                 "tacho2;g=1;start;j=a b",
                                 "tacho2;g=1;start;x=a",
                                 "tacho2;g=1;e=2;w=a;j=a",
                                 "tacho2;g=1;e=2;w=a;p=-1;j=a",
                                 "tacho2;g=1;e=2;w=a;p=3",
                                 "tacho2;g=1;e=2;w=a;p=3;j=%2"}) {
    EXPECT_EQ(ParseOffsetMetadata(text), std::nullopt) << text;
  }
}

TEST(OffsetMetadataTest, IsThatOfAMarkersEpoch) {
  Marker marker;
  marker.lane.reset_generation = 12;
  marker.lane.job = "telemetry";
  marker.epoch = 345;
  marker.writer_id = Sample(Origin::kEpoch).writer_id;
  marker.published = 678;

  EXPECT_EQ(MetadataOf(marker), Sample(Origin::kEpoch));
}

TEST(OffsetMetadataTest, OffsetsOfTheSameJobAreOurs) {
  EXPECT_TRUE(CheckMetadata("g", "telemetry", Sample(Origin::kEpoch)).ok());
}

TEST(OffsetMetadataTest, OffsetsOfAnotherJobOrVersionAreRefused) {
  OffsetMetadata other = Sample(Origin::kEpoch);
  const Status job = CheckMetadata("g", "job", other);
  EXPECT_EQ(job.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(job.message(), HasSubstr("group g belongs to job telemetry"));
  EXPECT_THAT(job.message(), HasSubstr("group.id of its own"));

  other.format = 1;
  EXPECT_THAT(CheckMetadata("g", "telemetry", other).message(),
              HasSubstr("tacho 0.1 wrote the offsets of group g, and this "
                        "version does not read its state"));

  other.format = 3;
  EXPECT_THAT(CheckMetadata("g", "telemetry", other).message(),
              HasSubstr("a later version of tacho (format 3)"));
}

}  // namespace
}  // namespace tacho
