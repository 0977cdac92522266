#include "pipeline/base/utf8.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace tacho {
namespace {

constexpr uint32_t kLast = 0x10FFFF;

bool IsSurrogate(uint32_t code) { return code >= 0xD800 && code <= 0xDFFF; }

std::string Encoded(uint32_t code) {
  std::string out;
  AppendUtf8(code, out);
  return out;
}

TEST(Utf8Test, EveryCodePointComesBack) {
  for (uint32_t code = 0; code <= kLast; ++code) {
    if (IsSurrogate(code)) continue;
    const std::string text = Encoded(code);
    const CodePoint first = FirstCodePoint(text + "x");
    ASSERT_TRUE(first.valid) << code;
    ASSERT_EQ(first.code, code);
    ASSERT_EQ(first.size, text.size());
    ASSERT_EQ(FindInvalidUtf8(text), std::string::npos) << code;
  }
}

// Against what the encoder writes, which is right by the test above: all
// sequences of up to three bytes, and all first three bytes of four.
TEST(Utf8Test, NothingElseIsACodePoint) {
  std::set<std::string> valid;
  for (uint32_t code = 0x80; code <= kLast; ++code) {
    if (IsSurrogate(code)) continue;
    std::string text = Encoded(code);
    if (text.size() == 4 && text[3] != '\xBF') continue;
    valid.insert(std::move(text));
  }
  size_t found = 0;
  std::string text;
  for (int first = 0x80; first < 0x100; ++first) {
    for (int second = 0; second < 0x100; ++second) {
      text = {static_cast<char>(first), static_cast<char>(second)};
      if (FirstCodePoint(text).valid) found += valid.count(text);
      ASSERT_EQ(FirstCodePoint(text).valid, valid.contains(text));
      for (int third = 0x70; third < 0xD0; ++third) {
        text = {static_cast<char>(first), static_cast<char>(second),
                static_cast<char>(third)};
        const CodePoint three = FirstCodePoint(text);
        if (three.valid && three.size == 3) ++found;
        text += '\xBF';
        const CodePoint four = FirstCodePoint(text);
        if (four.valid && four.size == 4) found += valid.count(text);
        ASSERT_EQ(four.valid && four.size == 4, valid.contains(text));
      }
    }
  }
  EXPECT_EQ(found, valid.size());
}

TEST(Utf8Test, TheFirstBadByteIsFoundWhereverItStands) {
  for (size_t at = 0; at < 40; ++at) {
    std::string text(40, 'a');
    text[at] = '\xC0';
    EXPECT_EQ(FindInvalidUtf8(text), at);
  }
  for (const std::string bad :
       {"\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80",
        "\xF0\x80\x80\xAF", "\xE2\x82", "\xFF"}) {
    EXPECT_EQ(FindInvalidUtf8("\xE2\x82\xAC" + bad), 3u);
  }
  EXPECT_EQ(FindInvalidUtf8(""), std::string::npos);
}

TEST(Utf8Test, OverlongFormsAndSurrogatesAreNone) {
  EXPECT_TRUE(IsUtf8(""));
  EXPECT_TRUE(IsUtf8("Z\xC3\xBCrich \xED\x9F\xBF \xEE\x80\x80"));
  for (const char* bad :
       {"\xC0\x80", "\xC1\xBF", "\xE0\x9F\xBF", "\xF0\x8F\xBF\xBF",
        "\xED\xA0\x80", "\xED\xBF\xBF", "\xED\xA0\xBD\xED\xB0\x80", "\xC3",
        "\x80", "\xF4\x90\x80\x80"}) {
    EXPECT_FALSE(IsUtf8(bad)) << bad;
  }
}

TEST(Utf8Test, ControlsAreC0DelAndC1) {
  for (uint32_t code = 0; code <= kLast; ++code) {
    if (IsSurrogate(code)) continue;
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    ASSERT_EQ(HasControl("a" + Encoded(code) + "b"), control) << code;
  }
  EXPECT_FALSE(HasControl(""));
}

}  // namespace
}  // namespace tacho
