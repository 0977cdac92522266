#include "pipeline/job/file/yaml_source.h"

#include <gtest/gtest.h>

#include <optional>

#include "pipeline/job/file/yaml_tree.h"

namespace tacho {
namespace {

// The position of the first `needle` in the decoded text of the value of `k`.
Origin Find(const std::string& yaml, const std::string& needle) {
  Diagnostics diagnostics;
  const YamlSource source(yaml);
  const std::optional<YamlNode> root = LoadYaml(source, diagnostics);
  EXPECT_TRUE(root.has_value());
  if (!root) return {};
  const YamlNode& node = root->values[0];
  const size_t at = node.text.find(needle);
  EXPECT_NE(at, std::string::npos) << node.text;
  return source.OriginAt(source.Locate(node.byte, node.text, at));
}

TEST(YamlSourceTest, CountsCharactersNotBytes) {
  const YamlSource source("a\n\xc3\xa4\xe2\x82\xac = x\n");
  EXPECT_EQ(source.ByteAt(2, 3), 7u);
  EXPECT_EQ(source.OriginAt(7), (Origin{2, 3}));
  EXPECT_EQ(source.Line(2), "\xc3\xa4\xe2\x82\xac = x");
  EXPECT_EQ(source.Line(4), "");
}

TEST(YamlSourceTest, ClampsWhatLiesOutside) {
  const YamlSource source("ab\n");
  EXPECT_EQ(source.ByteAt(9, 9), 3u);
  EXPECT_EQ(source.ByteAt(0, 0), 0u);
  EXPECT_EQ(source.OriginAt(99), (Origin{2, 1}));
}

TEST(YamlSourceTest, LocatesInPlainScalars) {
  EXPECT_EQ(Find("k: a > bb\n", "bb"), (Origin{1, 8}));
  EXPECT_EQ(Find("k: a >\n     bb\n", "bb"), (Origin{2, 6}));
  EXPECT_EQ(Find("k: \xc3\xa4 > bb\n", "bb"), (Origin{1, 8}));
}

TEST(YamlSourceTest, LocatesInQuotedScalars) {
  EXPECT_EQ(Find("k: 'a > bb'\n", "bb"), (Origin{1, 9}));
  EXPECT_EQ(Find("k: 'it''s > bb'\n", "bb"), (Origin{1, 13}));
  EXPECT_EQ(Find("k: \"a\\t\\\"\\u00e4 > bb\"\n", "bb"), (Origin{1, 19}));
  EXPECT_EQ(Find("k: \"a \\\n    bb\"\n", "bb"), (Origin{2, 5}));
  EXPECT_EQ(Find("k: 'a\n\n    bb'\n", "bb"), (Origin{3, 5}));
}

TEST(YamlSourceTest, LocatesInBlockScalars) {
  EXPECT_EQ(Find("k: |\n  a\n  bb\n", "bb"), (Origin{3, 3}));
  EXPECT_EQ(Find("k: >-\n    a\n    or bb\n", "bb"), (Origin{3, 8}));
  EXPECT_EQ(Find("k: | # note\n  a\n", "a"), (Origin{2, 3}));
}

TEST(YamlSourceTest, TheEndOfTheTextIsAPlaceToo) {
  const YamlSource source("k: abc");
  EXPECT_EQ(source.Locate(3, "abc", 3), 6u);
  EXPECT_EQ(source.Locate(3, "abc", 99), 6u);
  EXPECT_EQ(source.Locate(99, "abc", 1), 6u);
}

TEST(YamlSourceTest, FindsTheQuoteThatCloses) {
  constexpr size_t kNever = std::string_view::npos;
  EXPECT_EQ(YamlSource("'a'").ClosingQuote(0), 2u);
  EXPECT_EQ(YamlSource("'a''").ClosingQuote(0), kNever);
  EXPECT_EQ(YamlSource("\"a\\\"\"").ClosingQuote(0), 4u);
  EXPECT_EQ(YamlSource("\"a\\\"").ClosingQuote(0), kNever);
  EXPECT_EQ(YamlSource("a").ClosingQuote(0), 0u);
}

// Against counting from the start of the line, byte by byte.
TEST(YamlSourceTest, PositionsOnLongLinesAreRight) {
  std::string text = "first\n";
  const char* const letters[] = {"a", "\xc3\xa4", "\xe2\x82\xac",
                                 "\xf0\x9f\x9a\x97"};
  for (int i = 0; i < 2000; ++i) text += letters[i * 7 % 4];
  text += "\n\nlast";
  const YamlSource source(text);
  int line = 1;
  int column = 1;
  for (size_t byte = 0; byte < text.size(); ++byte) {
    ASSERT_EQ(source.OriginAt(byte).line, line);
    if ((text[byte] & 0xC0) == 0x80) continue;
    ASSERT_EQ(source.OriginAt(byte), (Origin{line, column})) << byte;
    ASSERT_EQ(source.ByteAt(line, column), byte);
    column = text[byte] == '\n' ? 1 : column + 1;
    if (text[byte] == '\n') ++line;
  }
  EXPECT_EQ(source.ByteAt(4, 5), text.size());
  EXPECT_EQ(source.ByteAt(4, 50), text.size());
}

}  // namespace
}  // namespace tacho
