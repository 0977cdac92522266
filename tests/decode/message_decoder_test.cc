#include "pipeline/decode/message_decoder.h"

#include <gtest/gtest.h>

#include <string>

#include "pipeline/decode/json_format.h"
#include "pipeline/decode/wide_shape.h"

namespace tacho {
namespace {

constexpr Timestamp kTime = FromEpochMillis(1769443200000);
constexpr const char* kGood = R"({"id":"v","ts":1769443200000})";

DecoderConfig Config() {
  DecoderConfig config;
  config.vehicle_path = "/id";
  config.event_time.path = "/ts";
  return config;
}

// Five bytes before each message, the first of them zero.
struct FiveBytes {
  static const FramingType kType;

  static Refused Unwrap(std::string_view& value, RejectSite& site) {
    if (value.size() < 5 || value[0] != '\0') {
      site = {};
      site.expected = "five bytes";
      return RejectReason::kUnparsableJson;
    }
    value.remove_prefix(5);
    return std::nullopt;
  }
};

TEST(MessageDecoderTest, AFramingIsCutOffBeforeTheFormatIsRead) {
  const DecoderConfig config = Config();
  MessageDecoder<FiveBytes, JsonFormat, WideShape> decoder(config);
  Batch batch(config.Schema());
  batch.AddMessage(1, kTime, "k", std::string("\0\0\0\0\7", 5) + kGood);
  batch.AddMessage(2, kTime, "k", kGood);
  batch.AddMessage(3, kTime, "k", std::string("\0\0\0\0\7", 5));
  decoder.Decode(batch);
  ASSERT_EQ(batch.records(), 1u);
  EXPECT_EQ(batch.vehicle_id[0], "v");
  ASSERT_EQ(batch.rejects.size(), 2u);
  EXPECT_EQ(batch.rejects[0].at.expected, "five bytes");
  EXPECT_EQ(batch.rejects[1].at.expected, "JSON; the value is empty");
}

const FramingType FiveBytes::kType = {.name = "five", .help = "five bytes"};

// What becomes of one message whose /kind is `kind`: 'r'ecord, re'j'ect or
// 's'kipped.
char Fate(const DecoderConfig& config, const std::string& members) {
  Batch batch(config.Schema());
  const std::string text = R"({"id":"v","ts":1769443200000)" + members + "}";
  batch.AddMessage(1, kTime, "k", text);
  MakeDecoder(config)->Decode(batch);
  EXPECT_EQ(batch.records() + batch.rejects.size() + batch.skipped, 1u);
  if (batch.skipped == 1) return 's';
  return batch.records() == 1 ? 'r' : 'j';
}

TEST(MessageDecoderTest, WhatTheJobDoesNotAcceptIsSkipped) {
  DecoderConfig config = Config();
  config.accept.path = "/kind";
  config.accept.values = {"location", "17", "true", "null", "a\nb"};
  for (const char* taken :
       {"\"location\"", "17", "\"17\"", "true", "null", R"("a\nb")"}) {
    EXPECT_EQ(Fate(config, ",\"kind\":" + std::string(taken)), 'r') << taken;
  }
  for (const char* other : {"\"Location\"", "17.0", "false", "\"\"", "{}",
                            "[\"location\"]", R"("a\\nb")"}) {
    EXPECT_EQ(Fate(config, ",\"kind\":" + std::string(other)), 's') << other;
  }
  EXPECT_EQ(Fate(config, ""), 's');
  config.accept.takes_listed = false;
  EXPECT_EQ(Fate(config, ""), 'r');
  EXPECT_EQ(Fate(config, ",\"kind\":true"), 's');
  EXPECT_EQ(Fate(config, ",\"kind\":false"), 'r');
  EXPECT_EQ(Fate(config, ",\"kind\":{}"), 'r');
}

TEST(MessageDecoderTest, WhatIsSkippedNeedsNoFieldsButIsValid) {
  DecoderConfig config = Config();
  config.accept.path = "/kind";
  config.accept.values = {"mine"};
  Batch batch(config.Schema());
  for (const char* text :
       {R"({"kind":"other"})", R"({"kind":"other")", R"({"kind":"mine"})"}) {
    batch.AddMessage(1, kTime, "k", text);
  }
  MakeDecoder(config)->Decode(batch);
  EXPECT_EQ(batch.skipped, 1u);
  ASSERT_EQ(batch.rejects.size(), 2u);
  EXPECT_EQ(batch.rejects[0].reason, RejectReason::kUnparsableJson);
  EXPECT_EQ(batch.rejects[1].reason, RejectReason::kMissingField);
}

}  // namespace
}  // namespace tacho
