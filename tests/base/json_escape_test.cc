#include "pipeline/base/json_escape.h"

#include <gtest/gtest.h>

#include <string>

namespace tacho {
namespace {

TEST(JsonEscapeTest, TheSizeIsThatOfWhatIsWritten) {
  std::string all;
  for (int c = 0; c < 256; ++c) all += static_cast<char>(c);
  for (const std::string& text :
       {std::string(), std::string("plain"), std::string("a\"b\\c"), all}) {
    std::string out(text.size() * kMaxEscape, 0);
    const char* const end = EscapeJson(text, out.data());
    EXPECT_EQ(EscapedJsonSize(text), static_cast<size_t>(end - out.data()));
  }
  EXPECT_EQ(EscapedJsonSize(std::string(10, '\1')), 60u);
  EXPECT_EQ(EscapedJsonSize("\n\"\\"), 6u);
}

TEST(JsonEscapeTest, FitsAtTheLimitAndNotBeyond) {
  EXPECT_TRUE(EscapedJsonFits(std::string(10, '\1'), 60));
  EXPECT_FALSE(EscapedJsonFits(std::string(10, '\1'), 59));
  EXPECT_TRUE(EscapedJsonFits(std::string(60, 'x'), 60));
  EXPECT_FALSE(EscapedJsonFits(std::string(61, 'x'), 60));
  EXPECT_TRUE(EscapedJsonFits("", 0));
}

}  // namespace
}  // namespace tacho
