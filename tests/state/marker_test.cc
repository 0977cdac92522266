#include "state/marker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tacho {
namespace {

using ::testing::HasSubstr;

Marker SampleMarker() {
  Marker marker;
  marker.epoch = 41;
  marker.writer_id = "0d5cd6a8-59b3-4c55-a1a3-5f9d8e8f6f01";
  marker.lane.guarantee = Guarantee::kExactlyOnce;
  marker.next_offset = 123456789;
  marker.partition_time = FromEpochMillis(1700000000123);
  marker.ended_at = FromEpochMillis(-5);
  marker.lane.input_partitions = 12;
  marker.lane.reset_generation = 3;
  marker.idle_origin = FromEpochMillis(1700000000001);
  marker.lane.group = "team/eu west";
  marker.lane.tp.topic = "vehicle.telemetry";
  marker.lane.cluster_id = "MkU3OEVBNTcwNTJENDM2Qk";
  marker.lane.job = "telemetry";
  marker.log_id = UINT64_MAX - 2;
  marker.job_digest = UINT64_MAX - 1;
  marker.lane.tables = {{"a.0.clock", 1}, {"b.1.windows", UINT64_MAX}};
  marker.wall_time = FromEpochMillis(1700000000456);
  marker.published = 123456999;
  marker.digests = {{123456800, 11, 1}, {123456999, 0, UINT64_MAX}};
  marker.changelog_next = 987654321;
  marker.restoring = true;
  return marker;
}

std::string Encoded(const Marker& marker) {
  std::vector<char> out;
  EncodeMarker(marker, out);
  return {out.begin(), out.end()};
}

TEST(MarkerTest, RoundTripsEveryField) {
  const Result<Marker> decoded = DecodeMarker(Encoded(SampleMarker()));

  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(*decoded, SampleMarker());
}

// Disks and changelogs hold it: every byte is a contract. The checksum, which
// comes last, is of all before it.
TEST(MarkerTest, TheBytesAreThoseOfFormat3) {
  const std::string bytes = Encoded(SampleMarker());

  ASSERT_EQ(bytes.size(), 292u);
  EXPECT_EQ(bytes.substr(284), "\xdf\xcf\x5b\x1f\x3c\x6b\xc7\x26");
}

TEST(MarkerTest, RoundTripsDefaults) {
  const Result<Marker> decoded = DecodeMarker(Encoded(Marker()));

  ASSERT_TRUE(decoded.ok()) << decoded.status().ToString();
  EXPECT_EQ(*decoded, Marker());
}

TEST(MarkerTest, AMetaRecordHasNothingThatOnlyAStoreKnows) {
  std::vector<char> bytes;
  EncodeMetaRecord(SampleMarker(), bytes);

  const Result<Marker> meta = DecodeMarker({bytes.data(), bytes.size()});

  Marker expected = SampleMarker();
  expected.changelog_next = kNoOffset;
  expected.restoring = false;
  ASSERT_TRUE(meta.ok()) << meta.status().ToString();
  EXPECT_EQ(*meta, expected);
}

TEST(MarkerTest, DetectsEveryFlippedBit) {
  const std::string good = Encoded(SampleMarker());
  for (size_t i = 0; i < good.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ (1 << bit));

      // A format of 0.1 is refused by whoever looks at the owner.
      const Result<Marker> decoded = DecodeMarker(bad);
      EXPECT_TRUE(!decoded.ok() || (i == 0 && decoded->lane.of_01))
          << "byte " << i << " bit " << bit;
    }
  }
}

TEST(MarkerTest, RefusesEveryTruncation) {
  const std::string good = Encoded(SampleMarker());
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_EQ(DecodeMarker(good.substr(0, size)).status().code(),
              StatusCode::kCorruption)
        << size;
  }
  EXPECT_FALSE(DecodeMarker(good + "x").ok());
}

TEST(MarkerTest, NamesAnUnknownFormat) {
  std::string newer = Encoded(SampleMarker());
  newer[0] = 4;

  const Status status = DecodeMarker(newer).status();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("format 4"));
}

// Whatever it says: its checksum stood where it liked.
TEST(MarkerTest, WhatTacho01WroteIsKnownAsSuchAndNotLookedInto) {
  for (const char format : {'\1', '\2'}) {
    for (const std::string& rest : {std::string(), std::string("anything")}) {
      const Result<Marker> decoded = DecodeMarker(format + rest);
      ASSERT_TRUE(decoded.ok());
      Marker expected;
      expected.lane.of_01 = true;
      EXPECT_EQ(*decoded, expected);
    }
  }
}

TEST(MarkerTest, HoldsAsManyDigestsAsItMay) {
  Marker marker = SampleMarker();
  marker.digests.assign(Marker::kMaxDigests, {1, 2, 3});
  const Result<Marker> decoded = DecodeMarker(Encoded(marker));
  ASSERT_TRUE(decoded.ok());
  EXPECT_EQ(decoded->digests.size(), Marker::kMaxDigests);
}

TEST(MarkerTest, RefusesWhatNoArithmeticCouldBear) {
  const auto code = [](auto set) {
    Marker marker = SampleMarker();
    set(marker);
    return DecodeMarker(Encoded(marker)).status().code();
  };
  constexpr Timestamp kFar = FromEpochMillis(INT64_MAX);
  constexpr Timestamp kLongAgo = FromEpochMillis(INT64_MIN);

  for (const int64_t count : {int64_t{-2}, INT64_MIN, INT64_MAX}) {
    EXPECT_EQ(code([&](Marker& m) { m.epoch = count; }),
              StatusCode::kCorruption);
    EXPECT_EQ(code([&](Marker& m) { m.next_offset = count; }),
              StatusCode::kCorruption);
    EXPECT_EQ(code([&](Marker& m) { m.lane.reset_generation = count; }),
              StatusCode::kCorruption);
    EXPECT_EQ(code([&](Marker& m) { m.changelog_next = count; }),
              StatusCode::kCorruption);
  }
  EXPECT_EQ(code([](Marker& m) { m.lane.input_partitions = -1; }),
            StatusCode::kCorruption);
  for (const Timestamp time : {kFar, kLongAgo}) {
    EXPECT_EQ(code([&](Marker& m) { m.partition_time = time; }),
              StatusCode::kCorruption);
    EXPECT_EQ(code([&](Marker& m) { m.idle_origin = time; }),
              StatusCode::kCorruption);
    EXPECT_EQ(code([&](Marker& m) { m.ended_at = time; }),
              StatusCode::kCorruption);
    EXPECT_EQ(code([&](Marker& m) { m.wall_time = time; }),
              StatusCode::kCorruption);
  }
}

}  // namespace
}  // namespace tacho
