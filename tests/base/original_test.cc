#include "pipeline/base/original.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

using Fields = std::vector<std::pair<std::string, std::string>>;

struct Written {
  std::string key;
  std::string value;
  Fields headers;
  size_t bytes = 0;  // Key, value, and headers as encoded.
};

Written Write(const Message& message, size_t limit = kDefaultMessageBytes) {
  OriginalWriter writer({"in", 3, "job"}, limit);
  OutputBuffer buffer;
  writer.Begin();
  writer.Add("tacho.reason", "too_large");
  writer.Write(buffer, 1, 7, message);
  const OutputRecord& record = buffer.records().at(0);
  Written written{std::string(buffer.Key(record)),
                  std::string(buffer.Value(record)),
                  {},
                  buffer.Key(record).size() + buffer.Value(record).size() +
                      buffer.Headers(record).size()};
  std::string_view headers = buffer.Headers(record);
  std::string_view name;
  std::string_view value;
  while (NextHeader(headers, name, value)) {
    written.headers.emplace_back(
        name, value.data() == nullptr ? "NULL" : std::string(value));
  }
  return written;
}

Message Of(std::string_view key, std::string_view value) {
  Message message;
  message.offset = 12;
  message.log_time = FromEpochMillis(34);
  message.key = key;
  message.value = value;
  return message;
}

TEST(OriginalWriterTest, AMessageComesWithItsProvenance) {
  const Written written = Write(Of("key", "value"));
  EXPECT_EQ(written.key, "key");
  EXPECT_EQ(written.value, "value");
  EXPECT_THAT(
      written.headers,
      ElementsAre(Pair("tacho.reason", "too_large"), Pair("tacho.topic", "in"),
                  Pair("tacho.partition", "3"), Pair("tacho.offset", "12"),
                  Pair("tacho.timestamp", "34"), Pair("tacho.job", "job")));
}

TEST(OriginalWriterTest, HeadersOfTheSenderStayAndCannotBeTakenForOurs) {
  std::vector<char> own;
  AppendHeader(own, "traceparent", "00-ab");
  AppendHeader(own, "tacho.reason", "forged");
  AppendHeader(own, "TACHO.offset", "0");
  AppendHeader(own, "null", {});
  AppendHeader(own, "empty", "");
  AppendHeader(own, "", "no name");
  Message message = Of("k", "v");
  message.headers = {own.data(), own.size()};
  message.headers_dropped = 2;

  const Written written = Write(message);

  EXPECT_THAT(
      written.headers,
      ElementsAre(Pair("traceparent", "00-ab"),
                  Pair("sender.tacho.reason", "forged"),
                  Pair("sender.TACHO.offset", "0"), Pair("null", "NULL"),
                  Pair("empty", ""), Pair("", "no name"),
                  Pair("tacho.reason", "too_large"), Pair("tacho.topic", "in"),
                  Pair("tacho.partition", "3"), Pair("tacho.offset", "12"),
                  Pair("tacho.timestamp", "34"), Pair("tacho.job", "job"),
                  Pair("tacho.headers_dropped", "2")));
}

TEST(OriginalWriterTest, KeyAndValueAreCutSoThatAllOfItFits) {
  const std::string value(100000, 'v');
  std::vector<char> own;
  AppendHeader(own, "big", std::string(16000, 'h'));
  Message message = Of("key", value);
  message.headers = {own.data(), own.size()};

  const Written whole = Write(message, 200000);
  EXPECT_EQ(whole.value, value);

  const Written cut = Write(message, 50000);
  EXPECT_EQ(cut.key, "key");
  EXPECT_LE(cut.bytes + kMessageFraming, 50000u);
  EXPECT_GT(cut.value.size(), 33000u);
  const Fields& headers = cut.headers;
  EXPECT_EQ(headers[headers.size() - 2].first, "tacho.truncated");
  EXPECT_EQ(headers.back().first, "tacho.original_size");
  EXPECT_EQ(headers.back().second, "100003");

  // The key goes first into what room there is.
  const Written long_key = Write(Of(value, "v"), 40000);
  EXPECT_EQ(long_key.value, "");
  EXPECT_GT(long_key.key.size(), 38000u);
  EXPECT_LE(long_key.bytes + kMessageFraming, 40000u);
}

TEST(OriginalWriterTest, NullStaysNull) {
  OriginalWriter writer({"in", 3, "job"});
  OutputBuffer buffer;
  writer.Begin();
  writer.Write(buffer, 1, 7, Of({}, {}));
  EXPECT_TRUE(buffer.records().at(0).null_key);
  EXPECT_TRUE(buffer.records().at(0).null_value);
}

}  // namespace
}  // namespace tacho
