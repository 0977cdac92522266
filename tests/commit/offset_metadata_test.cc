#include "pipeline/commit/offset_metadata.h"

#include <gtest/gtest.h>

#include <string>

namespace tacho {
namespace {

using Origin = OffsetMetadata::Origin;

TEST(OffsetMetadataTest, RoundTripsEveryOrigin) {
  for (const Origin origin : {Origin::kEpoch, Origin::kResetKeep,
                              Origin::kResetWipe, Origin::kStart}) {
    OffsetMetadata metadata;
    metadata.origin = origin;
    metadata.generation = 12;
    if (origin == Origin::kEpoch) {
      metadata.epoch = 345;
      metadata.writer_id = "0d5cd6a8-59b3-4c55-a1a3-5f9d8e8f6f01";
    }
    EXPECT_EQ(ParseOffsetMetadata(FormatOffsetMetadata(metadata)), metadata);
  }
}

TEST(OffsetMetadataTest, TheTextIsAContract) {
  EXPECT_EQ(FormatOffsetMetadata({Origin::kEpoch, 1, 2, "w-3"}),
            "tacho1;g=1;e=2;w=w-3");
  EXPECT_EQ(FormatOffsetMetadata({Origin::kResetWipe, 4, 0, ""}),
            "tacho1;g=4;reset=wipe");
  EXPECT_EQ(FormatOffsetMetadata({Origin::kStart, 0, 0, ""}),
            "tacho1;g=0;start");
}

TEST(OffsetMetadataTest, TextOfOtherToolsIsNotOurs) {
  for (const char* const text :
       {"", "x", "tacho1", "tacho2;g=1;start", "tacho1;g=;start",
        "tacho1;g=-1;start", "tacho1;g=1", "tacho1;g=1;reset=other",
        "tacho1;g=1;e=2", "tacho1;g=1;e=x;w=a", "tacho1;g=1;e=2;w=a;more",
        "tacho1;g=1;start;more", "tacho1;g=99999999999999999999;start"}) {
    EXPECT_EQ(ParseOffsetMetadata(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace tacho
