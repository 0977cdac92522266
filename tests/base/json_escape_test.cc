#include "pipeline/base/json_escape.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
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

std::string Unescaped(std::string_view raw) {
  std::string out(raw.size(), '\0');
  out.resize(UnescapeJson(raw, out.data()));
  return out;
}

TEST(UnescapeJsonTest, EveryEscapeIsReplaced) {
  EXPECT_EQ(Unescaped(R"(\"\\\/\b\f\n\r\t)"), "\"\\/\b\f\n\r\t");
  EXPECT_EQ(Unescaped(R"(a\u0041\u00e9\u20AC\ud83d\uDE97z)"),
            "aA\u00e9\u20ac\U0001F697z");
  EXPECT_EQ(Unescaped(R"(p\u00001)"), std::string("p\0001", 3));
  EXPECT_EQ(Unescaped("plain"), "plain");
  EXPECT_EQ(Unescaped(""), "");
}

TEST(UnescapeJsonTest, RefusesUnknownCutAndUnpairedOnes) {
  for (const char* bad :
       {"\\x41", "\\", "\\u12", "\\u12g4", "\\ud83d", "\\ude97", "\\ud83dx",
        "\\ud83d\\n", "\\ud83d\\u0041", "\\ud83d\\ud83d", "\\U0041", "ok\\'"}) {
    EXPECT_FALSE(JsonEscapesAreValid(bad)) << bad;
  }
}

TEST(UnescapeJsonTest, AgreesWithNlohmannOnMutatedStrings) {
  std::mt19937_64 random(24);
  const std::string base = R"(a\u00e9\n\ud83d\ude97\\u\"z\/)";
  int valid = 0;
  for (int i = 0; i < 30000; ++i) {
    std::string raw = base;
    for (int k = 0; k < 2; ++k) {
      raw[random() % raw.size()] = R"(\\\\"u0dD89abcn/)"[random() % 16];
    }
    // An unescaped quote would end the string.
    const auto parsed = nlohmann::json::parse('"' + raw + '"', nullptr, false);
    size_t quotes = 0;
    for (size_t at = 0; at < raw.size(); ++at) {
      if (raw[at] == '\\') {
        ++at;
      } else if (raw[at] == '"') {
        ++quotes;
      }
    }
    if (quotes > 0) continue;
    ASSERT_EQ(JsonEscapesAreValid(raw), !parsed.is_discarded()) << raw;
    if (parsed.is_discarded()) continue;
    ASSERT_EQ(Unescaped(raw), parsed.get<std::string>()) << raw;
    ++valid;
  }
  EXPECT_GT(valid, 1000);
}

TEST(UnescapeJsonTest, UndoesEscapeJson) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\xC3\xA9\xF0\x9F\x9A\x97";
  std::string raw(all.size() * kMaxEscape, '\0');
  raw.resize(static_cast<size_t>(EscapeJson(all, raw.data()) - raw.data()));
  ASSERT_TRUE(JsonEscapesAreValid(raw));
  EXPECT_EQ(Unescaped(raw), all);
}

}  // namespace
}  // namespace tacho
