#include "pipeline/base/output_buffer.h"

#include <gtest/gtest.h>

#include <string>

namespace tacho {
namespace {

void Write(OutputBuffer& buffer, SinkId sink, std::string_view key,
           std::string_view value) {
  buffer.Begin(sink, 11, FromEpochMillis(12));
  buffer.Append(key);
  buffer.EndKey();
  buffer.Append(value);
  buffer.EndValue();
  buffer.End();
}

TEST(OutputBufferTest, RecordsComeBackInOrder) {
  OutputBuffer buffer;
  Write(buffer, 2, "k1", "v1");
  Write(buffer, 3, "", "");
  ASSERT_EQ(buffer.records().size(), 2u);
  const OutputRecord& first = buffer.records()[0];
  EXPECT_EQ(buffer.Key(first), "k1");
  EXPECT_EQ(buffer.Value(first), "v1");
  EXPECT_EQ(buffer.Headers(first), "");
  EXPECT_EQ(first.sink, 2u);
  EXPECT_EQ(first.cause, 11u);
  EXPECT_EQ(first.log_time, FromEpochMillis(12));
  EXPECT_EQ(buffer.Key(buffer.records()[1]), "");
  EXPECT_FALSE(buffer.records()[1].null_key);
}

TEST(OutputBufferTest, NullKeyAndValueAreMarked) {
  OutputBuffer buffer;
  buffer.Begin(0, 0, kNoLogTime);
  buffer.EndKey(true);
  buffer.EndValue(true);
  buffer.End();
  EXPECT_TRUE(buffer.records()[0].null_key);
  EXPECT_TRUE(buffer.records()[0].null_value);
}

TEST(OutputBufferTest, HeadersAreReadBackOneByOne) {
  OutputBuffer buffer;
  buffer.Begin(0, 0, kNoLogTime);
  buffer.Append("key");
  buffer.EndKey();
  buffer.Append("value");
  buffer.EndValue();
  buffer.AddHeader("tacho.reason", "too_deep");
  buffer.AddHeader(std::string(255, 'n'), std::string(70000, 'v'));
  buffer.AddHeader("empty", "");
  buffer.End();
  std::string_view headers = buffer.Headers(buffer.records()[0]);
  std::string_view name, value;
  ASSERT_TRUE(NextHeader(headers, name, value));
  EXPECT_EQ(name, "tacho.reason");
  EXPECT_EQ(value, "too_deep");
  ASSERT_TRUE(NextHeader(headers, name, value));
  EXPECT_EQ(name.size(), 255u);
  EXPECT_EQ(value, std::string(70000, 'v'));
  ASSERT_TRUE(NextHeader(headers, name, value));
  EXPECT_EQ(name, "empty");
  EXPECT_EQ(value, "");
  EXPECT_FALSE(NextHeader(headers, name, value));
}

TEST(OutputBufferTest, ClearForgetsRecords) {
  OutputBuffer buffer;
  Write(buffer, 0, "k", "v");
  EXPECT_EQ(buffer.used_bytes(), 2 + sizeof(OutputRecord));
  buffer.Clear();
  EXPECT_TRUE(buffer.empty());
  EXPECT_EQ(buffer.used_bytes(), 0u);
}

}  // namespace
}  // namespace tacho
