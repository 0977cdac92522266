#include "pipeline/demo/message_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/demo/feed.h"
#include "tests/support/temp_dir.h"

namespace tacho {
namespace {

using Pair = std::pair<std::optional<std::string>, std::string>;

Pair Split(std::string_view line) {
  FileMessage message = SplitLine(line);
  return {message.key, std::string(message.value)};
}

TEST(SplitLineTest, AnEnvelopeGivesKeyAndTheMessageUntouched) {
  EXPECT_EQ(Split(R"({"key":"v-1","value":{"a": 74.50 }})"),
            Pair("v-1", R"({"a": 74.50 })"));
  EXPECT_EQ(Split(R"({"key":null,"value":[1,2]})"),
            Pair(std::nullopt, "[1,2]"));
  EXPECT_EQ(Split(R"({"key":"","value":""})"), Pair("", "\"\""));
}

TEST(SplitLineTest, SpacesAroundTheEnvelopesTokensAreAllowed) {
  EXPECT_EQ(Split("{ \"key\" : \"k\" ,\t\"value\" : {}}"), Pair("k", "{}"));
}

TEST(SplitLineTest, TheValueEndsAtTheLastBrace) {
  EXPECT_EQ(Split(R"({"key":"k","value":{"a":{"b":{}}}})"),
            Pair("k", R"({"a":{"b":{}}})"));
  // Whatever is in it: a message may be broken.
  EXPECT_EQ(Split(R"({"key":"k","value":{"a":"}})"), Pair("k", R"({"a":"})"));
  EXPECT_EQ(Split(R"({"key":"k","value":})"), Pair("k", ""));
}

TEST(SplitLineTest, AnyOtherLineIsTheMessage) {
  for (const char* line :
       {R"({"a":1})", "not json", R"({"value":{},"key":"k"})",
        R"({"key":1,"value":{}})", R"({"key":"k"})",
        R"({"key":"k","other":{}})", R"({"key":"k","value":1)",
        R"({"key":"open)", R"({"keys":"k","value":{}})", "{", " "}) {
    EXPECT_EQ(Split(line), Pair(std::nullopt, line)) << line;
  }
}

TEST(SplitLineTest, EscapesInTheKeyAreUndone) {
  const auto key = [](const std::string& inside) {
    return Split("{\"key\":\"" + inside + "\",\"value\":1}").first;
  };
  EXPECT_EQ(key(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(key(R"(\u0041\u00e9\u20AC)"), "A\xc3\xa9\xe2\x82\xac");
  EXPECT_EQ(key(R"(\u0000x)"), std::string("\0x", 2));
  EXPECT_EQ(key(R"(\ud83d\ude97)"), "\xf0\x9f\x9a\x97");
  EXPECT_EQ(key("\xc3\xa9"), "\xc3\xa9");
}

// A key that is no JSON string makes the line no envelope.
TEST(SplitLineTest, BadEscapesMakeItAPlainMessage) {
  for (const char* inside : {R"(\x)", R"(\u12)", R"(\u12g4)", R"(\ud83d)",
                             R"(\ud83d\u0041)", R"(\ud83dx)", "\\"}) {
    const std::string line =
        "{\"key\":\"" + std::string(inside) + "\",\"value\":1}";
    EXPECT_EQ(Split(line), Pair(std::nullopt, line)) << line;
  }
}

// A lone low surrogate has no UTF-8.
TEST(SplitLineTest, ALoneLowSurrogateIsNoKey) {
  const std::string line = R"({"key":"\ude97","value":1})";
  EXPECT_EQ(Split(line), Pair(std::nullopt, line));
}

class MessageFileTest : public ::testing::Test {
 protected:
  std::string Plain(const std::string& text) {
    const std::string path = dir_ / "plain";
    std::ofstream(path, std::ios::binary) << text;
    return path;
  }
  std::string Gzip(const std::string& text) {
    const std::string path = dir_ / "looks.plain";
    gzFile file = gzopen(path.c_str(), "wb");
    EXPECT_EQ(gzwrite(file, text.data(), static_cast<unsigned>(text.size())),
              static_cast<int>(text.size()));
    gzclose(file);
    return path;
  }
  static std::vector<std::string> Values(const std::string& path) {
    std::vector<std::string> values;
    auto file = MessageFile::Open(path);
    EXPECT_TRUE(file.ok()) << file.status().ToString();
    if (!file.ok()) return values;
    while (true) {
      const auto next = (*file)->Next();
      EXPECT_TRUE(next.ok()) << next.status().ToString();
      if (!next.ok() || !next->has_value()) break;
      values.emplace_back((*next)->value);
    }
    EXPECT_EQ((*file)->lines(), values.size());
    return values;
  }
  TempDir dir_;
};

TEST_F(MessageFileTest, PlainAndGzipGiveTheSame) {
  const std::string text = "{\"a\":1}\n\n[2]\n{\"key\":\"k\",\"value\":3}\nend";
  const std::vector<std::string> expected = {"{\"a\":1}", "[2]", "3", "end"};
  EXPECT_EQ(Values(Plain(text)), expected);
  EXPECT_EQ(Values(Gzip(text)), expected);
}

TEST_F(MessageFileTest, LinesMayBeLongerThanABlock) {
  std::vector<std::string> lines;
  for (const size_t size : {1, 65535, 65536, 65537, 300000, 2}) {
    lines.emplace_back(size, static_cast<char>('a' + lines.size()));
  }
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  EXPECT_EQ(Values(Plain(text)), lines);
  EXPECT_EQ(Values(Gzip(text)), lines);
}

TEST_F(MessageFileTest, NulBytesAndCarriageReturnsStay) {
  const std::string line("a\0b\r", 4);
  EXPECT_EQ(Values(Plain(line + "\n")), std::vector<std::string>{line});
}

TEST_F(MessageFileTest, EmptyFilesHaveNoMessages) {
  EXPECT_THAT(Values(Plain("")), ::testing::IsEmpty());
  EXPECT_THAT(Values(Plain("\n\n\n")), ::testing::IsEmpty());
  EXPECT_THAT(Values(Gzip("")), ::testing::IsEmpty());
}

TEST_F(MessageFileTest, AMissingFileIsNotFound) {
  const auto file = MessageFile::Open(dir_ / "nowhere");
  ASSERT_FALSE(file.ok());
  EXPECT_EQ(file.status().code(), StatusCode::kNotFound);
  EXPECT_THAT(file.status().message(), ::testing::HasSubstr("nowhere"));
}

TEST_F(MessageFileTest, ADirectoryIsAnError) {
  const auto file = MessageFile::Open(dir_.path());
  const Status status = file.ok() ? (*file)->Next().status() : file.status();
  EXPECT_EQ(status.code(), StatusCode::kIoError);
  EXPECT_THAT(status.message(), ::testing::HasSubstr("Is a directory"));
}

TEST_F(MessageFileTest, CutOffGzipIsAnErrorAndNotAnEnd) {
  std::string text;
  for (int i = 0; i < 100000; ++i) text += std::to_string(i * 7919) + "\n";
  const std::string path = Gzip(text);
  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  auto file = MessageFile::Open(path);
  ASSERT_TRUE(file.ok());
  Status status;
  while (status.ok()) {
    const auto next = (*file)->Next();
    status = next.status();
    if (next.ok() && !next->has_value()) break;
  }
  EXPECT_EQ(status.code(), StatusCode::kCorruption) << status.ToString();
}

TEST_F(MessageFileTest, AFeedOfAFileGivesItsKeysAndValues) {
  auto feed = MakeFileFeed(Plain(
      "{\"key\":\"k\",\"value\":{\"a\":1}}\n{\"key\":null,\"value\":2}\n"));
  ASSERT_TRUE(feed.ok());

  auto first = (*feed)->Next();
  ASSERT_TRUE(first.ok() && first->has_value());
  EXPECT_EQ((*first)->key, "k");
  EXPECT_EQ((*first)->value, "{\"a\":1}");
  auto second = (*feed)->Next();
  ASSERT_TRUE(second.ok() && second->has_value());
  EXPECT_FALSE((*second)->key.has_value());
  EXPECT_EQ((*second)->value, "2");
  EXPECT_FALSE((*feed)->Next()->has_value());
}

TEST_F(MessageFileTest, AFeedOfTheFleetDoesNotEnd) {
  FleetOptions options;
  options.start = FromEpochMillis(1700000000000);
  Fleet fleet(options);
  const auto feed = MakeFleetFeed(options);
  for (int i = 0; i < 1000; ++i) {
    const auto message = feed->Next();
    ASSERT_TRUE(message.ok() && message->has_value());
    const Fleet::Sample& sample = fleet.Next();
    EXPECT_EQ((*message)->key, sample.key);
    EXPECT_EQ((*message)->value, sample.value);
  }
}

}  // namespace
}  // namespace tacho
