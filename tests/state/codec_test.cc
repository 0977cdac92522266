#include "state/codec.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <utility>
#include <vector>

namespace tacho {
namespace {

using namespace std::string_literals;

std::string Key(std::string_view vehicle, int64_t subkey) {
  std::vector<char> out;
  AppendStateKey(out, vehicle, subkey);
  return {out.begin(), out.end()};
}

// Ids over a small alphabet of the bytes that matter to the escaping.
std::string RandomId(std::mt19937& random) {
  static const std::string alphabet = "\x00\x01\xff\xfe"s + "a";
  std::string id(random() % 6, '\0');
  for (char& c : id) c = alphabet[random() % alphabet.size()];
  return id;
}

int64_t RandomSubkey(std::mt19937_64& random) {
  static constexpr int64_t kEdges[] = {INT64_MIN, -1, 0, 1, 255, INT64_MAX};
  if (random() % 2 == 0) return kEdges[random() % std::size(kEdges)];
  return static_cast<int64_t>(random());
}

TEST(StateKeyTest, RoundTripsEveryIdAndSubkey) {
  std::mt19937 ids(1);
  std::mt19937_64 subkeys(2);
  std::vector<char> scratch;
  for (int i = 0; i < 20000; ++i) {
    const std::string id = RandomId(ids);
    const int64_t subkey = RandomSubkey(subkeys);
    const std::string key = Key(id, subkey);
    std::string_view parsed;
    int64_t parsed_subkey = 0;

    ASSERT_TRUE(ParseStateKey(key, parsed, parsed_subkey, scratch));

    ASSERT_EQ(parsed, id);
    ASSERT_EQ(parsed_subkey, subkey);
  }
}

TEST(StateKeyTest, BytewiseOrderIsVehicleThenSubkeyOrder) {
  std::mt19937 ids(3);
  std::mt19937_64 subkeys(4);
  for (int i = 0; i < 50000; ++i) {
    const std::pair a(RandomId(ids), RandomSubkey(subkeys));
    const std::pair b(RandomId(ids), RandomSubkey(subkeys));

    const int keys = Key(a.first, a.second).compare(Key(b.first, b.second));

    ASSERT_EQ(keys < 0, a < b);
    ASSERT_EQ(keys == 0, a == b);
  }
}

TEST(StateKeyTest, PrefixMatchesOneVehicleOnly) {
  std::mt19937 ids(5);
  for (int i = 0; i < 20000; ++i) {
    const std::string a = RandomId(ids);
    const std::string b = RandomId(ids);
    std::vector<char> prefix;

    AppendVehiclePrefix(prefix, a);

    ASSERT_EQ(
        Key(b, i).starts_with(std::string_view(prefix.data(), prefix.size())),
        a == b);
  }
}

TEST(StateKeyTest, RefusesWhatItDidNotMake) {
  const std::string good = Key("truck\0one"s, 7);
  std::string_view vehicle;
  int64_t subkey = 0;
  std::vector<char> scratch;
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_FALSE(ParseStateKey(std::string_view(good).substr(0, size), vehicle,
                               subkey, scratch))
        << size;
  }
  EXPECT_FALSE(
      ParseStateKey("a\0b\0\0"s + "12345678", vehicle, subkey, scratch));
  EXPECT_FALSE(
      ParseStateKey("a\0\0b\0\0"s + "12345678", vehicle, subkey, scratch));
}

TEST(ByteReaderTest, ReadsBackWhatWasWritten) {
  std::vector<char> bytes;
  ByteWriter writer(bytes);
  writer.U8(250);
  writer.U32(0xdeadbeef);
  writer.I64(INT64_MIN);
  writer.F64(-0.1);
  writer.Varint(UINT64_MAX);
  writer.Bytes("a\0b"s);

  ByteReader reader({bytes.data(), bytes.size()});

  EXPECT_EQ(reader.U8(), 250);
  EXPECT_EQ(reader.U32(), 0xdeadbeef);
  EXPECT_EQ(reader.I64(), INT64_MIN);
  EXPECT_EQ(reader.F64(), -0.1);
  EXPECT_EQ(reader.Varint(), UINT64_MAX);
  EXPECT_EQ(reader.Bytes(), "a\0b"s);
  EXPECT_TRUE(reader.done());
}

TEST(ByteReaderTest, StaysFailedAfterAShortRead) {
  ByteReader reader("\x01\x02");

  EXPECT_EQ(reader.U32(), 0u);
  EXPECT_EQ(reader.U8(), 0);

  EXPECT_FALSE(reader.ok());
}

TEST(ByteReaderTest, RefusesASizeBeyondTheEnd) {
  ByteReader reader(
      "\x05"
      "abc");

  EXPECT_EQ(reader.Bytes(), "");

  EXPECT_FALSE(reader.ok());
}

TEST(ByteReaderTest, RefusesAVarintThatDoesNotFit) {
  ByteReader longer(
      std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"));
  ByteReader endless(
      std::string_view("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"));

  longer.Varint();
  endless.Varint();

  EXPECT_FALSE(longer.ok());
  EXPECT_FALSE(endless.ok());
}

TEST(StateTimeTest, LeavesRoomForArithmetic) {
  EXPECT_TRUE(IsStateTime(kNoTime));
  EXPECT_FALSE(IsRealStateTime(kNoTime));
  EXPECT_TRUE(IsRealStateTime(kEndOfTime));
  EXPECT_FALSE(IsStateTime(FromEpochMillis(INT64_MAX)));
  EXPECT_FALSE(IsStateTime(FromEpochMillis(INT64_MIN)));
}

}  // namespace
}  // namespace tacho
