#include "pipeline/base/printable.h"

#include <gtest/gtest.h>

#include <string>

namespace tacho {
namespace {

TEST(PrintableTest, LettersOfEveryScriptStay) {
  for (const char* text : {"", "plain text", "Zürich", "Привет", "東京", "🚗",
                           "עברית", "a\\b \"c\""}) {
    EXPECT_EQ(Printable(text), text);
    EXPECT_TRUE(IsPrintable(text)) << text;
  }
}

struct Case {
  std::string text;
  const char* shown;
};

class PrintableEscapeTest : public ::testing::TestWithParam<Case> {};

TEST_P(PrintableEscapeTest, IsShownAsAnEscape) {
  const std::string text = "a" + GetParam().text + "b";
  EXPECT_EQ(Printable(text), std::string("a") + GetParam().shown + "b");
  EXPECT_FALSE(IsPrintable(text));
}

INSTANTIATE_TEST_SUITE_P(
    Classes, PrintableEscapeTest,
    ::testing::Values(
        Case{"\x1b[2J", "\\u001b[2J"}, Case{"\n", "\\n"}, Case{"\r", "\\u000d"},
        Case{"\t", "\\t"}, Case{std::string(1, '\0'), "\\u0000"},
        Case{"\x7f", "\\u007f"}, Case{"\xc2\x80", "\\u0080"},
        Case{"\xc2\x9b", "\\u009b"}, Case{"\xc2\x9f", "\\u009f"},
        Case{"\xe2\x80\xaa", "\\u202a"}, Case{"\xe2\x80\xae", "\\u202e"},
        Case{"\xe2\x81\xa6", "\\u2066"}, Case{"\xe2\x81\xa9", "\\u2069"},
        Case{"\xe2\x80\x8f", "\\u200f"}, Case{"\xd8\x9c", "\\u061c"},
        Case{"\xe2\x80\xa8", "\\u2028"}, Case{"\xef\xbb\xbf", "\\ufeff"},
        // No UTF-8: a C1 control as one byte, cut, overlong, a surrogate.
        Case{"\x9b", "\\x9b"}, Case{"\xe2\x80", "\\xe2\\x80"},
        Case{"\xc0\x8a", "\\xc0\\x8a"}, Case{"\xed\xa0\x80", "\\xed\\xa0\\x80"},
        Case{"\xf5\x80\x80\x80", "\\xf5\\x80\\x80\\x80"}));

TEST(PrintableTest, NeighboursOfWhatIsEscapedStay) {
  for (const char* text : {" ", "~", "\xc2\xa0", "\xe2\x80\xa7", "\xe2\x80\xaf",
                           "\xe2\x81\xa5", "\xe2\x81\xaa"}) {
    EXPECT_EQ(Printable(text), text);
  }
}

TEST(PrintableTest, InsideQuotesQuotesAndBackslashesAreEscapedToo) {
  std::string out;
  AppendPrintable("a\"b\\c\x1b\x9b", true, out);
  EXPECT_EQ(out, "a\\\"b\\\\c\\u001b\\\\x9b");
}

}  // namespace
}  // namespace tacho
