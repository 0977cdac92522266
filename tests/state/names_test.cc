#include "state/names.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

namespace tacho {
namespace {

// Every text of up to `length` bytes out of `letters`, the empty one first.
std::vector<std::string> AllTexts(const std::string& letters, size_t length) {
  std::vector<std::string> texts = {""};
  size_t begin = 0;
  for (size_t n = 0; n < length; ++n) {
    const size_t end = texts.size();
    for (size_t i = begin; i < end; ++i) {
      for (const char c : letters) texts.push_back(texts[i] + c);
    }
    begin = end;
  }
  return texts;
}

TEST(NamesTest, WhatIsPlainStaysReadable) {
  EXPECT_EQ(FileNameOf("telemetry-analytics_2.eu"), "telemetry-analytics_2.eu");
  EXPECT_EQ(FileNameOf("team/eu west:1"), "team%2Feu%20west%3A1");
  EXPECT_EQ(FileNameOf("50%"), "50%25");
  EXPECT_EQ(FileNameOf(".."), "%2E.");
  EXPECT_EQ(FileNameOf("."), "%2E");
  EXPECT_EQ(FileNameOf("\xc3\xa9t\xc3\xa9"), "%C3%A9t%C3%A9");
}

TEST(NamesTest, NoTwoTextsShareAName) {
  std::set<std::string> names;
  const auto texts = AllTexts("a.%2E/-", 5);
  for (const std::string& text : texts) {
    const std::string name = FileNameOf(text);
    EXPECT_TRUE(names.insert(name).second) << text;
    EXPECT_EQ(PercentDecode(PercentEncode(text)), text);
    EXPECT_FALSE(name == "." || name == "..") << text;
    EXPECT_EQ(name.find('/'), name.npos) << text;
  }
  EXPECT_EQ(names.size(), texts.size());
}

TEST(NamesTest, OnlyWhatWasEncodedDecodes) {
  for (const char* const text : {"%", "%2", "%2f", "%41", "a b", ".a", "%%"}) {
    EXPECT_EQ(PercentDecode(text), std::nullopt) << text;
  }
}

TEST(NamesTest, LongTextsAreCutAndStayApart) {
  const std::string at(kMaxFileName, 'x');
  EXPECT_EQ(FileNameOf(at), at);
  EXPECT_EQ(FileNameOf(at + "y").size(), kMaxFileName);
  EXPECT_NE(FileNameOf(at + "y"), FileNameOf(at + "z"));
  // Nor is a cut name what a short text gives.
  EXPECT_NE(FileNameOf(FileNameOf(at + "y")), FileNameOf(at + "y"));
  EXPECT_EQ(FileNameOf(std::string(500, '/')).size(), kMaxFileName);
}

// They are in names on disk and in clusters.
TEST(NamesTest, HashesAreAContract) {
  EXPECT_EQ(Hash128("").size(), 32u);
  EXPECT_EQ(Hash128(""), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(Hash64(""), 0x2d06800538d394c2u);
}

}  // namespace
}  // namespace tacho
