#include "pipeline/decode/decoder.h"

#include <gtest/gtest.h>

namespace tacho {
namespace {

TEST(DecoderConfigTest, SchemaHasTheSignalsInOrder) {
  DecoderConfig config;
  config.signals.resize(2);
  config.signals[0].signal = {"b", SignalType::kBool, Dimension::kNone};
  config.signals[1].signal = {"a", SignalType::kDouble, Dimension::kSpeed};
  const SignalSchema schema = config.Schema();
  ASSERT_EQ(schema.size(), 2u);
  EXPECT_EQ(schema[0].name, "b");
  EXPECT_EQ(schema[1].dimension, Dimension::kSpeed);
}

TEST(MakeDecoderTest, EveryNameMakesADecoderAndOthersNone) {
  DecoderConfig config;
  config.vehicle_path = "/id";
  config.event_time.path = "/ts";
  for (const std::string_view name : DecoderNames()) {
    EXPECT_NE(MakeDecoder(name, config), nullptr) << name;
  }
  EXPECT_EQ(MakeDecoder("avro", config), nullptr);
  EXPECT_EQ(MakeDecoder("", config), nullptr);
}

}  // namespace
}  // namespace tacho
