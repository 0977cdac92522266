#include "pipeline/base/topic_name.h"

#include <gtest/gtest.h>

#include <regex>
#include <string>

namespace tacho {
namespace {

TEST(TopicNameTest, IsWhatKafkaTakes) {
  const std::regex pattern{std::string(kTopicPattern)};
  for (const std::string& text :
       {std::string("vehicle.telemetry-1_x"), std::string("..."),
        std::string("-"), std::string(kMaxTopicBytes, 'a')}) {
    EXPECT_TRUE(IsTopicName(text)) << text;
    EXPECT_TRUE(std::regex_match(text, pattern)) << text;
  }
  for (const std::string& text :
       {std::string(), std::string("a/b"), std::string("a b"),
        std::string("\xc3\xa4"), std::string("a\0", 2), std::string("a\n"),
        std::string(kMaxTopicBytes + 1, 'a')}) {
    EXPECT_FALSE(IsTopicName(text)) << text;
    EXPECT_FALSE(std::regex_match(text, pattern)) << text;
  }
  EXPECT_FALSE(IsTopicName("."));
  EXPECT_FALSE(IsTopicName(".."));
}

}  // namespace
}  // namespace tacho
