#include "pipeline/decode/json_templates.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "pipeline/decode/json_index.h"
#include "pipeline/decode/json_scanner.h"
#include "tests/decode/documents.h"

namespace tacho {
namespace {

constexpr size_t kMaxBytes = 8192;

// Templates of what it was shown.
class Taught {
 public:
  explicit Taught(const std::vector<std::string>& paths,
                  const TemplateLimits& limits = {})
      : paths_(paths),
        values_(paths_.node_count()),
        templates_(paths_, limits),
        index_(JsonIndex::DefaultRoute(), kMaxBytes) {}

  // REQUIRES: `text` is a valid document.
  void Learn(const std::string& text) {
    const PaddedText padded(text);
    EXPECT_TRUE(index_.Build(padded.view())) << text;
    templates_.Learn(padded.view(), index_.begin(), index_.end());
  }
  bool Match(const std::string& text, std::string_view padding = "") {
    text_ = PaddedText(text, padding);
    std::fill(values_.begin(), values_.end(), JsonValue());
    return templates_.Match(text_.view(), values_.data());
  }
  const JsonValue& value(size_t path) const {
    return values_[paths_.node_of(path)];
  }
  JsonTemplates& templates() { return templates_; }

 private:
  JsonPaths paths_;
  std::vector<JsonValue> values_;
  JsonTemplates templates_;
  JsonIndex index_;
  PaddedText text_{""};
};

TEST(JsonTemplatesTest, OneDocumentTeachesAllOfItsForm) {
  Taught taught({"/a", "/b/c", "/b", "/t", "/n", "/none"});
  const std::string form = R"({"a":1,"b":{"c":"x","d":[]},"t":true,"n":-2.50})";
  EXPECT_FALSE(taught.Match(form));
  taught.Learn(form);
  ASSERT_TRUE(
      taught.Match(R"({"a":17.25,"b":{"c":"a longer text than before","d":[]},)"
                   R"("t":null,"n":0})"));
  EXPECT_EQ(taught.value(0).text(), "17.25");
  EXPECT_EQ(taught.value(0).whole, 2);
  EXPECT_EQ(taught.value(0).fraction, 2);
  EXPECT_EQ(taught.value(1).text(), "a longer text than before");
  EXPECT_EQ(taught.value(2).kind, JsonKind::kObject);
  EXPECT_EQ(taught.value(3).kind, JsonKind::kNull);
  EXPECT_EQ(taught.value(4).text(), "0");
  EXPECT_EQ(taught.value(5).kind, JsonKind::kAbsent);
}

TEST(JsonTemplatesTest, OtherOrdersAndAbsentNamesBranch) {
  Taught taught({"/a", "/b"});
  taught.Learn(R"({"a":1,"x":"y","b":2})");
  taught.Learn(R"({"b":1,"x":"y","a":2})");
  taught.Learn(R"({"x":"y"})");
  // Ways that no document has taken.
  EXPECT_TRUE(taught.Match(R"({"x":"z","b":3})"));
  EXPECT_EQ(taught.value(1).text(), "3");
  EXPECT_TRUE(taught.Match(R"({"x":"z","a":4,"x":"y"})"));
  EXPECT_EQ(taught.value(0).text(), "4");
  EXPECT_TRUE(taught.Match(R"({"a":1,"x":"y"})"));
  // A literal that no document had.
  EXPECT_FALSE(taught.Match(R"({"a":1,"c":2})"));
  EXPECT_FALSE(taught.Match(R"({"a":1, "b":2})"));
}

TEST(JsonTemplatesTest, ListsOfAnyLengthAreOneTemplate) {
  Taught taught({"/a"});
  taught.Learn(R"({"l":[1,2,3],"o":[{"p":1},{"p":2}],"a":1})");
  EXPECT_TRUE(taught.Match(
      R"({"l":[1,2,3,4,5,6,7],"o":[{"p":1},{"p":2},{"p":3},{"p":4}],"a":5})"));
  EXPECT_EQ(taught.value(0).text(), "5");
  EXPECT_FALSE(taught.Match(R"({"l":[1,2,3],"o":[{"p":1},{"p":2}})"));
  EXPECT_FALSE(taught.Match(R"({"l":[1,2,3,"o":[{"p":1}],"a":1})"));
}

TEST(JsonTemplatesTest, OneNameMayHaveValuesOfAllTypes) {
  Taught taught({"/v", "/w"});
  const std::vector<std::string> forms = {
      R"({"v":1,"w":2})",      R"({"v":"1","w":2})", R"({"v":{"x":1},"w":2})",
      R"({"v":[1,2],"w":2})",  R"({"v": 1,"w":2})",  R"({"v":[],"w":2})",
      R"({"v":1.5e-3,"w":2})",
  };
  for (const std::string& form : forms) taught.Learn(form);
  for (int round = 0; round < 2; ++round) {
    for (const std::string& form : forms) {
      EXPECT_TRUE(taught.Match(form)) << form;
      EXPECT_EQ(taught.value(1).text(), "2") << form;
    }
  }
}

TEST(JsonTemplatesTest, ExponentsAreNumbersWithoutParts) {
  Taught taught({"/v"});
  taught.Learn(R"({"v":1})");
  for (const char* number :
       {"1e5", "1.25E+7", "-0.5e-3", "12345678901234567890",
        "0.1234567890123456789", "1e400"}) {
    ASSERT_TRUE(taught.Match(std::string(R"({"v":)") + number + "}")) << number;
    EXPECT_EQ(taught.value(0).text(), number);
    EXPECT_EQ(taught.value(0).whole, 0) << number;
  }
  for (const char* bad :
       {"1e", "1e+", "01", "-", "-01", "1.", ".5", "1.2.3", "1-2", "1/2", "+1",
        "--1", "1e5.5", "12345678901234567", "00", "-.5", "1..2"}) {
    const bool valid = std::string(bad) == "12345678901234567";
    EXPECT_EQ(taught.Match(std::string(R"({"v":)") + bad + "}"), valid) << bad;
  }
}

TEST(JsonTemplatesTest, TextsAreHeldToTheGrammar) {
  Taught taught({"/v"});
  taught.Learn(R"({"v":"plain","w":1})");
  const auto matches = [&](const std::string& text) {
    return taught.Match(R"({"v":")" + text + R"(","w":1})");
  };
  EXPECT_TRUE(matches(""));
  EXPECT_TRUE(
      matches("stra\xc3\x9f"
              "e"));
  EXPECT_EQ(taught.value(0).kind, JsonKind::kText);
  EXPECT_TRUE(matches(R"(a\n\"b\u00e9\ud83d\ude00)"));
  EXPECT_EQ(taught.value(0).kind, JsonKind::kEscapedText);
  EXPECT_TRUE(matches(std::string(500, 'x')));
  for (const std::string& bad :
       {std::string("a\nb"), std::string("\x01"), std::string("\xff"),
        std::string("\xc3"), std::string("\xc0\x80"), std::string(R"(\x)"),
        std::string(R"(\ud83d)"), std::string(R"(\u12)"), std::string("a\"b"),
        std::string("\\"), std::string(31, 'x') + "\x1f"}) {
    EXPECT_FALSE(matches(bad)) << bad;
  }
}

TEST(JsonTemplatesTest, LongLiteralsAreComparedWhole) {
  const std::string name(100, 'n');
  Taught taught({"/" + name, "/a"});
  taught.Learn("{\"" + name + "\":1,\"a\":2}");
  EXPECT_TRUE(taught.Match("{\"" + name + "\":5,\"a\":2}"));
  EXPECT_EQ(taught.value(0).text(), "5");
  for (size_t at : {size_t{1}, size_t{33}, size_t{60}, name.size()}) {
    std::string other = name;
    other[at - 1] = 'm';
    EXPECT_FALSE(taught.Match("{\"" + other + "\":5,\"a\":2}")) << at;
  }
}

TEST(JsonTemplatesTest, NamesThatRepeatAreLeftToTheScanner) {
  Taught taught({"/a", "/b/c", "/b"});
  taught.Learn(R"({"a":1,"x":1})");
  taught.Learn(R"({"x":1,"a":1})");
  taught.Learn(R"({"b":{"c":1},"x":1})");
  taught.Learn(R"({"x":1,"b":{"c":1}})");
  taught.Learn(R"({"b":2,"x":1})");
  // Of two scalars the first counts; a container beside another value is not
  // told apart here.
  ASSERT_TRUE(taught.Match(R"({"a":1,"x":1,"a":2})"));
  EXPECT_EQ(taught.value(0).text(), "1");
  EXPECT_FALSE(taught.Match(R"({"b":{"c":1},"x":1,"b":{"c":2}})"));
  EXPECT_FALSE(taught.Match(R"({"b":2,"x":1,"b":{"c":2}})"));
}

TEST(JsonTemplatesTest, WhatIsNotLearntDoesNoHarm) {
  Taught taught({"/a/0", "/b", "/c"});
  taught.Learn(R"({"b":1,"a":[1,2]})");    // By index.
  taught.Learn(R"({"\u0062":1})");         // An escaped name.
  taught.Learn(R"({"c":1,"x":2,"c":3})");  // A name twice.
  EXPECT_FALSE(taught.Match(R"({"b":1,"a":[1,2]})"));
  EXPECT_FALSE(taught.Match(R"({"\u0062":1})"));
  EXPECT_FALSE(taught.Match(R"({"c":1,"x":2,"c":3})"));
}

// What stands behind a document is another message's.
TEST(JsonTemplatesTest, NoPrefixOfADocumentIsOne) {
  const std::string text =
      R"({"a":1.5,"b":{"c":"xy","d":[1,true,null]},"e":-12,"f":"z"})";
  Taught taught({"/a", "/b/c", "/e"});
  taught.Learn(text);
  for (size_t size = 0; size < text.size(); ++size) {
    const std::string prefix = text.substr(0, size);
    EXPECT_FALSE(taught.Match(prefix, text.substr(size))) << prefix;
    for (const std::string& padding : HostilePaddings()) {
      EXPECT_FALSE(taught.Match(prefix, padding)) << prefix;
    }
  }
  EXPECT_TRUE(taught.Match(text, "}"));
  EXPECT_FALSE(taught.Match(text + "}"));
  EXPECT_FALSE(taught.Match(text + " "));
}

TEST(JsonTemplatesTest, LimitsHoldAndAreSaid) {
  TemplateLimits limits;
  limits.literals = 10;
  limits.followers = 3;
  limits.contexts = 4;
  Taught taught({"/k0"}, limits);
  for (int i = 0; i < 60; ++i) {
    std::string deep = "1";
    for (int level = 0; level < i % 6; ++level) deep = "{\"d\":" + deep + "}";
    taught.Learn("{\"k" + std::to_string(i) + "\":" + deep + ",\"z\":1}");
    ASSERT_LE(taught.templates().graph().literals(), 10u);
  }
  EXPECT_TRUE(taught.templates().graph().is_full());
  EXPECT_TRUE(taught.Match(R"({"k0":7,"z":1})"));
}

TEST(JsonTemplatesTest, BytesOfAllLiteralsAreLimited) {
  // {"a":  ,"b":  ,"c":  }  are 16 bytes.
  const std::string text = R"({"a":1,"b":2,"c":3})";
  TemplateLimits limits;
  limits.bytes = 15;
  Taught one_less({"/a"}, limits);
  one_less.Learn(text);
  EXPECT_FALSE(one_less.Match(text));
  EXPECT_TRUE(one_less.templates().graph().is_full());
  limits.bytes = 16;
  Taught enough({"/a"}, limits);
  enough.Learn(text);
  EXPECT_TRUE(enough.Match(text));
  EXPECT_FALSE(enough.templates().graph().is_full());
}

// A full graph makes room for what is sent now.
TEST(JsonTemplatesTest, FormsThatAreNoLongerSentGo) {
  TemplateLimits limits;
  limits.literals = 20;
  JsonLimits bytes;
  bytes.bytes = kMaxBytes;
  Taught taught({"/a"}, limits);
  const auto run = [&](int form, uint64_t documents) {
    const std::string text = "{\"n" + std::to_string(form) + "\":1,\"a\":2}";
    uint64_t matched = 0;
    for (uint64_t i = 0; i < documents; ++i) {
      if (!taught.templates().AreWorthATry()) continue;
      if (taught.Match(text)) {
        ++matched;
      } else {
        taught.Learn(text);
      }
    }
    return matched;
  };
  for (int form = 0; form < 30; ++form) run(form, 3);
  EXPECT_TRUE(taught.templates().graph().is_full());
  EXPECT_EQ(run(29, 100), 0u);
  run(29, JsonTemplates::kKeepAtLeast + 3 * JsonTemplates::kLongestPause);
  EXPECT_GT(run(29, 1000), 900u);
  EXPECT_FALSE(taught.templates().graph().is_full());
}

TEST(JsonTemplatesTest, ATopicWithoutFormsIsLeftAlone) {
  Taught taught({"/a"});
  uint64_t tried = 0;
  constexpr uint64_t kDocuments = 300000;
  for (uint64_t i = 0; i < kDocuments; ++i) {
    if (!taught.templates().AreWorthATry()) continue;
    ++tried;
    const std::string text = "{\"k" + std::to_string(i) + "\":1}";
    EXPECT_FALSE(taught.Match(text));
    taught.Learn(text);
  }
  // Seven windows and their pauses, each twice as long as the one before.
  EXPECT_LT(tried, 20 * JsonTemplates::kWindow);
  EXPECT_LT(taught.templates().graph().literals(), 300u);
}

// ---------------------------------------------------------------------------
// Against the scanner, which is slower and older.

// Documents as a topic of several producers holds them.
class Topic {
 public:
  explicit Topic(uint64_t seed) : random_(seed) {
    const size_t forms = 1 + Below(6);
    for (size_t i = 0; i < forms; ++i) forms_.push_back(Object(0));
  }

  std::string Next() {
    std::string text;
    // The form's text, with '#' where a scalar goes.
    for (const char c : forms_[Below(forms_.size())]) {
      if (c == '#') {
        text += Scalar();
      } else {
        text += c;
      }
    }
    if (Below(4) == 0) return Mutate(text, random_);
    if (Below(12) == 0) return text.substr(0, Below(text.size() + 1));
    return text;
  }
  std::mt19937_64& random() { return random_; }

 private:
  size_t Below(size_t n) { return random_() % n; }
  std::string Name() {
    static constexpr const char* kNames[] = {
        "a",  "b",  "c",        "d",
        "ts", "e1", "speed_of", "a name that is longer than one head"};
    return std::string("\"") + kNames[Below(8)] + "\"";
  }
  std::string Space() { return Below(10) == 0 ? " " : ""; }
  std::string Object(int level) {
    std::string text = "{" + Space();
    const size_t members = Below(6);
    for (size_t i = 0; i < members; ++i) {
      if (i > 0) text += "," + Space();
      text += Name() + Space() + ":" + Space() + Value(level);
    }
    return text + Space() + "}";
  }
  std::string Value(int level) {
    const size_t kind = Below(level > 2 ? 6 : 9);
    if (kind < 6) return "#";
    if (kind < 8) return Object(level + 1);
    std::string text = "[";
    const size_t elements = Below(4);
    for (size_t i = 0; i < elements; ++i) {
      text += (i > 0 ? "," : "") + Value(level + 1);
    }
    return text + "]";
  }
  std::string Scalar() {
    static constexpr const char* kOdd[] = {
        "true",
        "false",
        "null",
        "\"\"",
        "-0",
        "0.0",
        "1e5",
        "-1.5E-3",
        "\"\\u00e9\"",
        "\"\xc3\xa9\"",
        "\"a\\\"b\"",
        "123456789012345678",
        "0.1234567890123456",
        "\"a text that is longer than a register\""};
    switch (Below(4)) {
      case 0:
        return kOdd[Below(std::size(kOdd))];
      case 1:
        return "\"t" + std::to_string(Below(1000)) + "\"";
      default:
        return std::to_string(Below(100000)) + "." +
               std::to_string(Below(1000));
    }
  }

  std::mt19937_64 random_;
  std::vector<std::string> forms_;
};

void ExpectSame(const std::string& text, const JsonScanner& taught,
                const JsonScanner& fresh, size_t paths) {
  for (size_t path = 0; path < paths; ++path) {
    const JsonValue& a = taught.value(path);
    const JsonValue& b = fresh.value(path);
    ASSERT_EQ(a.kind, b.kind) << path << " " << text;
    ASSERT_EQ(a.text(), b.text()) << path << " " << text;
    ASSERT_EQ(a.whole, b.whole) << path << " " << text;
    ASSERT_EQ(a.fraction, b.fraction) << path << " " << text;
  }
}

// One topic. `known` counts what the templates knew.
void CompareOn(uint64_t seed, int documents, uint64_t& known) {
  const std::vector<std::string> paths = {
      "/a", "/b/a", "/c", "/b", "/d/b/c", "/speed_of", "/ts/0", "/e1"};
  JsonLimits limits;
  limits.bytes = kMaxBytes;
  limits.depth = 1 + seed % 6;
  Topic topic(seed);
  JsonScanner taught(paths, limits);
  for (int i = 0; i < documents; ++i) {
    const std::string text = topic.Next();
    const std::string& padding =
        HostilePaddings()[topic.random()() % HostilePaddings().size()];
    const PaddedText padded(text, padding);
    // It has seen nothing, and knows no template.
    JsonScanner fresh(paths, limits);
    const auto expected = fresh.Scan(padded.view());
    ASSERT_EQ(taught.Scan(padded.view()), expected) << seed << " " << text;
    if (!expected.has_value()) ExpectSame(text, taught, fresh, paths.size());
    if (testing::Test::HasFatalFailure()) return;
  }
  known += taught.matched_templates();
}

// TACHO_FUZZ_TOPICS asks for more.
TEST(JsonTemplatesFuzzTest, FindsWhatTheScannerFinds) {
  const char* const wanted = std::getenv("TACHO_FUZZ_TOPICS");
  const uint64_t topics = wanted == nullptr ? 150 : std::stoull(wanted);
  const uint64_t first = wanted == nullptr ? 0 : std::random_device()();
  uint64_t known = 0;
  for (uint64_t i = 0; i < topics; ++i) {
    CompareOn(first + i, 300, known);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(known, topics * 100);
}

}  // namespace
}  // namespace tacho
