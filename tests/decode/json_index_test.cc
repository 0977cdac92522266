#include "pipeline/decode/json_index.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/decode/documents.h"

namespace tacho {
namespace {

std::vector<uint32_t> Tokens(JsonIndex& index, std::string_view text) {
  if (!index.Build(text)) return {};
  return {index.begin(), index.end()};
}

class JsonIndexTest : public testing::TestWithParam<IndexRoute> {
 protected:
  JsonIndex index_{GetParam(), 4096};
};

TEST_P(JsonIndexTest, FindsTheStartOfEveryToken) {
  const PaddedText text("{\"a\" : [tru, -1.5e3 ,\"x:\\\"{\"]}");
  EXPECT_EQ(Tokens(index_, text.view()),
            (std::vector<uint32_t>{0, 1, 5, 7, 8, 11, 13, 20, 21, 28, 29}));
}

TEST_P(JsonIndexTest, RefusesOpenStringsControlCharactersAndBadUtf8) {
  for (const char* bad : {"\"a", "\"a\\\"", "\"a\nb\"", "\"\\\n\"", "\"\xff\"",
                          "{\"a\":1}\xc3", " ", ""}) {
    EXPECT_FALSE(index_.Build(PaddedText(bad, "\"").view())) << bad;
  }
  EXPECT_FALSE(index_.Build(PaddedText(std::string("\"a\0b\"", 5)).view()));
}

TEST_P(JsonIndexTest, TextOfExactlyTheCapacityIsIndexed) {
  const PaddedText text(std::string(4096, '['), "[");
  EXPECT_EQ(Tokens(index_, text.view()).size(), 4096u);
}

INSTANTIATE_TEST_SUITE_P(Routes, JsonIndexTest,
                         testing::Values(IndexRoute::kSimdjson,
                                         IndexRoute::kPortable),
                         [](const auto& route) {
                           return route.param == IndexRoute::kSimdjson
                                      ? "Simdjson"
                                      : "Portable";
                         });

TEST(JsonIndexRoutesTest, GiveTheSameTokensOfValidDocuments) {
  JsonIndex fast(IndexRoute::kSimdjson, 4096);
  JsonIndex portable(IndexRoute::kPortable, 4096);
  std::mt19937_64 random(11);
  const std::string base =
      R"({"id":"v\u00e9\"1","n":[1,-2.5e3,null,{"b":true}],"t": "x" })";
  int valid = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string text = i == 0 ? base : Mutate(base, random);
    bool cut = false;
    if (!IsJsonByNlohmann(text, cut)) continue;
    const PaddedText padded(text, HostilePaddings()[random() % 12]);
    ASSERT_EQ(Tokens(fast, padded.view()), Tokens(portable, padded.view()))
        << text;
    ++valid;
  }
  EXPECT_GT(valid, 1000);
}

}  // namespace
}  // namespace tacho
