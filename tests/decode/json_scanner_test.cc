#include "pipeline/decode/json_scanner.h"

#include <gtest/gtest.h>
#include <simdjson.h>

#include <random>
#include <string>
#include <vector>

#include "tests/decode/documents.h"

namespace tacho {
namespace {

using Refusal = std::optional<RejectReason>;

// A scanner and the document that its values point into.
class Scanned {
 public:
  Scanned(const std::vector<std::string>& paths, std::string_view text,
          JsonLimits limits = {})
      : text_(text, "}\"9"), scanner_(paths, limits) {
    refused_ = scanner_.Scan(text_.view());
  }
  Refusal refused() const { return refused_; }
  JsonKind kind(size_t path) const { return scanner_.value(path).kind; }
  std::string text(size_t path) const {
    return std::string(scanner_.value(path).text());
  }

 private:
  PaddedText text_;
  JsonScanner scanner_;
  Refusal refused_;
};

Refusal Verdict(std::string_view text, JsonLimits limits = {}) {
  return Scanned({"/a"}, text, limits).refused();
}

TEST(JsonScannerTest, FindsEveryKindOfValue) {
  const Scanned doc({"/n", "/i", "/s", "/e", "/t", "/f", "/o", "/l", "/none"},
                    R"({"n":null,"i":-1.5e3 ,"s":"x y","e":"\n","t":true,)"
                    R"("f":false,"o":{},"l":[1]})");
  ASSERT_EQ(doc.refused(), std::nullopt);
  EXPECT_EQ(doc.kind(0), JsonKind::kNull);
  EXPECT_EQ(doc.kind(1), JsonKind::kNumber);
  EXPECT_EQ(doc.text(1), "-1.5e3");
  EXPECT_EQ(doc.kind(2), JsonKind::kText);
  EXPECT_EQ(doc.text(2), "x y");
  EXPECT_EQ(doc.kind(3), JsonKind::kEscapedText);
  EXPECT_EQ(doc.text(3), "\\n");
  EXPECT_EQ(doc.kind(4), JsonKind::kTrue);
  EXPECT_EQ(doc.kind(5), JsonKind::kFalse);
  EXPECT_EQ(doc.kind(6), JsonKind::kObject);
  EXPECT_EQ(doc.kind(7), JsonKind::kArray);
  EXPECT_EQ(doc.kind(8), JsonKind::kAbsent);
}

TEST(JsonScannerTest, WhiteSpaceAroundTokensIsNoPartOfThem) {
  const Scanned doc({"/a", "/b"},
                    " {\r\n\t\"a\" \t: \"x \" \n,\"b\"\n:\n12\t}\n ");
  ASSERT_EQ(doc.refused(), std::nullopt);
  EXPECT_EQ(doc.text(0), "x ");
  EXPECT_EQ(doc.text(1), "12");
}

TEST(JsonScannerTest, NestedPathsLeadThroughObjectsAndArrays) {
  const Scanned doc(
      {"/loc/lat", "/a/1/b", "/a/0", "/loc", "/x~1y/~0", "/m/2"},
      R"({"loc":{"z":[{"lat":0}],"lat":1},"a":[7,{"b":2,"a":[1]},3],)"
      R"("lat":9,"x/y":{"~":4},"m":{"2":5}})");
  ASSERT_EQ(doc.refused(), std::nullopt);
  EXPECT_EQ(doc.text(0), "1");
  EXPECT_EQ(doc.text(1), "2");
  EXPECT_EQ(doc.text(2), "7");
  EXPECT_EQ(doc.kind(3), JsonKind::kObject);
  EXPECT_EQ(doc.text(4), "4");
  EXPECT_EQ(doc.text(5), "5");
}

TEST(JsonScannerTest, PathThroughAScalarOrPastAnArrayIsAbsent) {
  const Scanned doc({"/a/b", "/c/5", "/c/-", "/d/0"},
                    R"({"a":"b","c":[1,2],"d":[]})");
  ASSERT_EQ(doc.refused(), std::nullopt);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(doc.kind(i), JsonKind::kAbsent);
}

TEST(JsonScannerTest, FirstOfDuplicateMembersCounts) {
  const Scanned doc({"/a", "/b/c", "/d/e", "/n"},
                    R"({"a":1,"a":2,"b":{},"b":{"c":3},"d":4,)"
                    R"("d":{"e":5},"n":null,"n":6})");
  ASSERT_EQ(doc.refused(), std::nullopt);
  EXPECT_EQ(doc.text(0), "1");
  EXPECT_EQ(doc.kind(1), JsonKind::kAbsent);
  EXPECT_EQ(doc.kind(2), JsonKind::kAbsent);
  EXPECT_EQ(doc.kind(3), JsonKind::kNull);
}

TEST(JsonScannerTest, EscapedNamesAreTheSameNames) {
  const std::string longer(3000, 'k');
  const Scanned doc({"/vehicle_id", "/a\"b", "/" + longer},
                    R"({"\u0076ehicle_id":"v","a\"b":1,"\u006b)" +
                        longer.substr(1) + R"(":2})");
  ASSERT_EQ(doc.refused(), std::nullopt);
  EXPECT_EQ(doc.text(0), "v");
  EXPECT_EQ(doc.text(1), "1");
  EXPECT_EQ(doc.text(2), "2");
}

TEST(JsonScannerTest, ValuesOfTheLastDocumentOnly) {
  JsonScanner scanner({"/a", "/b"}, {});
  const PaddedText first(R"({"a":1})");
  const PaddedText second(R"({"b":2})");
  EXPECT_EQ(scanner.Scan(first.view()), std::nullopt);
  EXPECT_EQ(scanner.Scan(second.view()), std::nullopt);
  EXPECT_EQ(scanner.value(0).kind, JsonKind::kAbsent);
  EXPECT_EQ(scanner.value(1).text(), "2");
}

TEST(JsonScannerTest, RootsOtherThanObjectsAreToldFromGarbage) {
  for (const char* valid : {"null", " true ", "-0.5", "\"x\\n\"", "[]", "[1]",
                            "[{\"a\":[]}]", "1e400", "48"}) {
    EXPECT_EQ(Verdict(valid), RejectReason::kNotAnObject) << valid;
  }
  for (const char* bad : {"nul", "nulll", "48 1", "\"\\x\"", "[1", "[1]]", "0x",
                          "01", "]", ",", "-", "{}{}", "[]{}", "\"a\"\"b\""}) {
    EXPECT_EQ(Verdict(bad), RejectReason::kUnparsableJson) << bad;
  }
}

TEST(JsonScannerTest, ReasonIsTheFirstOfItsOrder) {
  JsonLimits limits;
  limits.bytes = 20;
  limits.depth = 2;
  EXPECT_EQ(Verdict("{\"a\":\"\xff\"[[[[[[[[[[[[[", limits),
            RejectReason::kTooLarge);
  EXPECT_EQ(Verdict("[[[ \xff", limits), RejectReason::kInvalidUtf8);
  EXPECT_EQ(Verdict("[[[ nonsense", limits), RejectReason::kTooDeep);
  EXPECT_EQ(Verdict("[[ \"[[[ nonsense", limits),
            RejectReason::kUnparsableJson);
  EXPECT_EQ(Verdict("[\"[[[[\"]", limits), RejectReason::kNotAnObject);
}

std::string Nested(size_t objects, size_t arrays, bool closed) {
  std::string text;
  for (size_t i = 0; i < objects; ++i) text += "{\"a\":";
  text += std::string(arrays, '[');
  if (!closed) return text;
  if (arrays == 0) text += "{}";
  return text + std::string(arrays, ']') + std::string(objects, '}');
}

TEST(JsonScannerTest, DepthAtTheLimitPassesAndOnePastItDoesNot) {
  for (const size_t limit : {1u, 2u, 63u, 64u, 65u, 1024u}) {
    JsonLimits limits;
    limits.depth = limit;
    // The innermost "{}" or "[" is a level too.
    EXPECT_EQ(Verdict(Nested(limit - 1, 0, true), limits), std::nullopt);
    EXPECT_EQ(Verdict(Nested(limit, 0, true), limits), RejectReason::kTooDeep);
    EXPECT_EQ(Verdict(Nested(1, limit, true), limits), RejectReason::kTooDeep);
    if (limit == 1) continue;
    EXPECT_EQ(Verdict(Nested(1, limit - 1, true), limits), std::nullopt);
  }
  EXPECT_EQ(Verdict(Nested(1, 2000, false)), RejectReason::kTooDeep);
  EXPECT_EQ(Verdict(Nested(1, 500, false)), RejectReason::kUnparsableJson);
}

TEST(JsonScannerTest, SizeAtTheLimitPassesAndOnePastItDoesNot) {
  JsonLimits limits;
  limits.bytes = 300;
  const auto sized = [](size_t size) {
    return "{\"a\":\"" + std::string(size - 8, 'x') + "\"}";
  };
  EXPECT_EQ(Verdict(sized(300), limits), std::nullopt);
  EXPECT_EQ(Verdict(sized(301), limits), RejectReason::kTooLarge);
}

TEST(JsonScannerTest, EveryPrefixOfADocumentIsRefusedWhateverFollowsIt) {
  const std::string text =
      R"({"a":[1,true,{"x":"\u00e9\ud83d\ude97"}],"b":-12.50e-1,"c":null})";
  JsonScanner scanner({"/b", "/c"}, {});
  for (size_t size = 0; size < text.size(); ++size) {
    const std::string rest = text.substr(size) + text;
    const PaddedText prefix(text.substr(0, size), rest);
    EXPECT_EQ(scanner.Scan(prefix.view()), RejectReason::kUnparsableJson)
        << prefix.view();
  }
  EXPECT_EQ(scanner.Scan(PaddedText(text, text).view()), std::nullopt);
}

// A fresh index of exactly the text's size holds garbage behind its end; a
// sanitizer or a wild read shows who looks at it.
TEST(JsonScannerTest, IndexIsNotReadPastItsEnd) {
  for (const std::string text :
       {"{", "[", "{\"\"", "{\"\":", "{\"\":1", "{\"\":1,", "[1", "[1,", "[{",
        "{\"a\":[", "{\"a\":{\"b\"", "{\"x\":{\"b\"", "{\"a\":[{\"b\":1"}) {
    JsonLimits limits;
    limits.bytes = text.size();
    JsonScanner scanner({"/a/b", "/a/0"}, limits, IndexRoute::kPortable);
    EXPECT_EQ(scanner.Scan(PaddedText(text, ":1}]").view()),
              RejectReason::kUnparsableJson)
        << text;
  }
}

const char* const kDocument =
    R"({"vehicle_id":"VIN1","ts":1769443200000,"lat":53.412345,"ok":true,)"
    R"("x":{"a":[1,2.5e3,null,{"b":"q\u00e9\n"}],"t":false},"e":[],"f":"r"})";

// All routes and paddings give one verdict, and it is nlohmann's and simdjson's
// own: the DOM differs only where it refuses a number for its size.
TEST(JsonScannerTest, VerdictEqualsOtherParsersOnMutatedDocuments) {
  std::mt19937_64 random(31);
  const std::vector<std::string> paths = {"/vehicle_id", "/lat", "/x/a/1"};
  JsonScanner fast(paths, {}, IndexRoute::kSimdjson);
  JsonScanner portable(paths, {}, IndexRoute::kPortable);
  simdjson::dom::parser dom;
  int valid = 0;
  for (int i = 0; i < 40000; ++i) {
    const std::string text = Mutate(kDocument, random);
    const PaddedText padded(text, HostilePaddings()[random() % 12]);
    const Refusal verdict = fast.Scan(padded.view());
    ASSERT_EQ(portable.Scan(padded.view()), verdict) << text;
    bool cut = false;
    const bool is_json = IsJsonByNlohmann(text, cut);
    const bool accepted =
        !verdict.has_value() || verdict == RejectReason::kNotAnObject;
    if (!cut) {
      ASSERT_EQ(accepted, is_json) << text;
    }
    ASSERT_EQ(verdict == RejectReason::kInvalidUtf8, !IsUtf8ByHand(text))
        << text;
    const PaddedText spaces(text);
    const auto error =
        dom.parse(spaces.view().data(), text.size(), false).error();
    if (error != simdjson::NUMBER_ERROR && !cut) {
      ASSERT_EQ(accepted, error == simdjson::SUCCESS) << text;
    }
    valid += accepted ? 1 : 0;
  }
  EXPECT_GT(valid, 6000);
  EXPECT_LT(valid, 32000);
}

TEST(JsonScannerTest, ValuesAreTheSameByBothRoutes) {
  std::mt19937_64 random(32);
  const std::vector<std::string> paths = {"/vehicle_id", "/ts", "/x/a/1",
                                          "/x/a/3/b",    "/e",  "/f"};
  JsonScanner fast(paths, {}, IndexRoute::kSimdjson);
  JsonScanner portable(paths, {}, IndexRoute::kPortable);
  for (int i = 0; i < 20000; ++i) {
    const PaddedText text(Mutate(kDocument, random), "\"}]1");
    if (fast.Scan(text.view()).has_value()) continue;
    ASSERT_EQ(portable.Scan(text.view()), std::nullopt);
    for (size_t k = 0; k < paths.size(); ++k) {
      ASSERT_EQ(fast.value(k).kind, portable.value(k).kind) << text.view();
      ASSERT_EQ(fast.value(k).text(), portable.value(k).text());
    }
  }
}

}  // namespace
}  // namespace tacho
