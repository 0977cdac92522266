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
  marker.guarantee = Guarantee::kExactlyOnce;
  marker.next_offset = 123456789;
  marker.partition_time = FromEpochMillis(1700000000123);
  marker.ended_at = FromEpochMillis(-5);
  marker.input_partitions = 12;
  marker.reset_generation = 3;
  marker.wall_time = FromEpochMillis(1700000000456);
  marker.job = "telemetry";
  marker.tables = {{"a.0.clock", 1}, {"b.1.windows", UINT64_MAX}};
  marker.cluster_id = "MkU3OEVBNTcwNTJENDM2Qk";
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
  expected.cluster_id.clear();
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

      EXPECT_FALSE(DecodeMarker(bad).ok()) << "byte " << i << " bit " << bit;
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
  newer[0] = 3;

  const Status status = DecodeMarker(newer).status();

  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("format 3"));
}

}  // namespace
}  // namespace tacho
