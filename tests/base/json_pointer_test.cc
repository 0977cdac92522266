#include "pipeline/base/json_pointer.h"

#include <gtest/gtest.h>

namespace tacho {
namespace {

using Tokens = std::vector<std::string>;

TEST(ParseJsonPointerTest, SplitsAndUnescapes) {
  EXPECT_EQ(ParseJsonPointer(""), Tokens{});
  EXPECT_EQ(ParseJsonPointer("/"), Tokens{""});
  EXPECT_EQ(ParseJsonPointer("/a/0/b c"), (Tokens{"a", "0", "b c"}));
  EXPECT_EQ(ParseJsonPointer("/a~1b/m~0n/~01"), (Tokens{"a/b", "m~n", "~1"}));
  EXPECT_EQ(ParseJsonPointer("//x/"), (Tokens{"", "x", ""}));
  // ~1 before ~0, or "~01" would become "/".
  EXPECT_EQ(ParseJsonPointer("/~01~10~00"), Tokens{"~1/0~0"});
}

TEST(ParseJsonPointerTest, RefusesWhatRfc6901DoesNotHave) {
  for (const char* bad : {"a", "a/b", "/~", "/~2", "/a~", " /a", "#/a"}) {
    EXPECT_EQ(ParseJsonPointer(bad), std::nullopt) << bad;
  }
}

}  // namespace
}  // namespace tacho
