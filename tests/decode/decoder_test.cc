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

TEST(MakeDecoderTest, EveryRowOfTheTablesMakesADecoder) {
  DecoderConfig config;
  config.vehicle_path = "/id";
  config.event_time.path = "/ts";
  config.datums.list_path = "/data";
  for (const ShapeType* shape : ShapeTypes()) {
    config.shape = shape;
    EXPECT_NE(MakeDecoder(config), nullptr) << shape->name;
  }
  config.shape = DefaultShape();
  for (const FormatType* format : FormatTypes()) {
    config.format = format;
    EXPECT_NE(MakeDecoder(config), nullptr) << format->name;
  }
  config.format = DefaultFormat();
  for (const FramingType* framing : FramingTypes()) {
    config.framing = framing;
    EXPECT_NE(MakeDecoder(config), nullptr) << framing->name;
  }
}

TEST(DecoderTypesTest, RowsAreFoundByName) {
  EXPECT_EQ(FindType(ShapeTypes(), "wide"), DefaultShape());
  EXPECT_EQ(FindType(FormatTypes(), "json"), DefaultFormat());
  EXPECT_EQ(FindType(FramingTypes(), "none"), DefaultFraming());
  EXPECT_EQ(FindType(ShapeTypes(), "avro"), nullptr);
  EXPECT_EQ(FindType(ShapeTypes(), ""), nullptr);
}

}  // namespace
}  // namespace tacho
