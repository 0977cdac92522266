// Arrays that the scanner reads one by one.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "pipeline/decode/json_scanner.h"
#include "tests/decode/documents.h"

namespace tacho {
namespace {

using nlohmann::json;

// Name and value of the elements of /data, and of what is in their /in.
struct Plan : ScanPlan {
  size_t after = AddPath("/after");
  size_t list = AddPath("/data");
  size_t data = AddArray("/data");
  size_t element = AddPath("", data);
  size_t name = AddPath("/name", data);
  size_t value = AddPath("/v/x", data);
  size_t inner = AddArray("/in", data);
  size_t inner_value = AddPath("/n", inner);
};

std::string Text(const JsonValue& value) {
  return value.kind == JsonKind::kAbsent ? "-" : std::string(value.text());
}

size_t CountOf(std::string_view what, std::string_view text) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string_view::npos;
       at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

TEST(JsonArraysTest, EveryElementIsARowOfValues) {
  const Plan plan;
  JsonScanner scanner(plan, {});
  const PaddedText text(
      R"({"data":[{"name":"a","v":{"x":1}},{"v":{"y":2}},7,[],)"
      R"({"v":{"x":"e"},"name":"b","name":"c"}],"after":3})");
  ASSERT_EQ(scanner.Scan(text.view()), std::nullopt);
  ASSERT_EQ(scanner.rows(plan.data), 5u);
  EXPECT_EQ(Text(scanner.value(plan.after)), "3");
  EXPECT_EQ(scanner.value(plan.list).kind, JsonKind::kArray);
  EXPECT_EQ(Text(scanner.value(plan.name, 0)), "a");
  EXPECT_EQ(Text(scanner.value(plan.value, 0)), "1");
  EXPECT_EQ(Text(scanner.value(plan.name, 1)), "-") << "that of the last row";
  EXPECT_EQ(Text(scanner.value(plan.value, 1)), "-");
  EXPECT_EQ(scanner.value(plan.element, 0).kind, JsonKind::kObject);
  EXPECT_EQ(Text(scanner.value(plan.element, 2)), "7");
  EXPECT_EQ(scanner.value(plan.element, 3).kind, JsonKind::kArray);
  EXPECT_EQ(Text(scanner.value(plan.name, 4)), "b") << "the first counts";
  EXPECT_EQ(Text(scanner.value(plan.value, 4)), "e");
}

TEST(JsonArraysTest, ArraysInElementsKnowTheirElement) {
  const Plan plan;
  JsonScanner scanner(plan, {});
  const PaddedText text(
      R"({"data":[{"in":[{"n":1},{"n":2}]},{"name":"x"},)"
      R"({"in":[],"name":"y"},{"in":[{"n":3}],"in":[{"n":4}]}]})");
  ASSERT_EQ(scanner.Scan(text.view()), std::nullopt);
  EXPECT_EQ(scanner.rows(plan.data), 4u);
  ASSERT_EQ(scanner.rows(plan.inner), 3u);
  const std::vector<size_t> parents = {0, 0, 3};
  for (size_t row = 0; row < 3; ++row) {
    EXPECT_EQ(scanner.parent(plan.inner, row), parents[row]);
    EXPECT_EQ(Text(scanner.value(plan.inner_value, row)),
              std::to_string(row + 1));
  }
}

TEST(JsonArraysTest, WhatIsNoArrayHasNoRows) {
  const Plan plan;
  JsonScanner scanner(plan, {});
  for (const char* document :
       {R"({"data":{}})", R"({"data":1,"data":[{"name":"a"}]})", "{}",
        R"({"data":[]})", R"({"x":{"data":[1]}})", R"({"data":null})"}) {
    const PaddedText text(document);
    ASSERT_EQ(scanner.Scan(text.view()), std::nullopt) << document;
    EXPECT_EQ(scanner.rows(plan.data), 0u) << document;
    EXPECT_FALSE(scanner.too_many_elements());
  }
}

TEST(JsonArraysTest, ElementsBeyondTheLimitAreValidatedButNotKept) {
  const Plan plan;
  JsonLimits limits;
  limits.elements = 3;
  JsonScanner scanner(plan, limits);
  const auto scan = [&](const char* document) {
    const PaddedText text(document, "]}");
    return scanner.Scan(text.view());
  };
  EXPECT_EQ(scan(R"({"data":[1,2,3]})"), std::nullopt);
  EXPECT_FALSE(scanner.too_many_elements());
  EXPECT_EQ(scanner.rows(plan.data), 3u);
  EXPECT_EQ(scan(R"({"data":[1,2,3,4]})"), std::nullopt);
  EXPECT_TRUE(scanner.too_many_elements());
  EXPECT_EQ(scanner.rows(plan.data), 3u);
  EXPECT_EQ(scan(R"({"data":[1,2,3,4,]})"), RejectReason::kUnparsableJson);
  // Elements of elements count, too.
  EXPECT_EQ(scan(R"({"data":[{"in":[1,2]}]})"), std::nullopt);
  EXPECT_FALSE(scanner.too_many_elements());
  EXPECT_EQ(scan(R"({"data":[{"in":[1,2,3]}]})"), std::nullopt);
  EXPECT_TRUE(scanner.too_many_elements());
  EXPECT_EQ(scan(R"({"data":[1]})"), std::nullopt);
  EXPECT_FALSE(scanner.too_many_elements());
}

TEST(JsonArraysTest, DepthInElementsIsLimited) {
  const Plan plan;
  JsonLimits limits;
  limits.depth = 4;
  JsonScanner scanner(plan, limits);
  const PaddedText fits(R"({"data":[{"in":[1]}]})");
  EXPECT_EQ(scanner.Scan(fits.view()), std::nullopt);
  const PaddedText deeper(R"({"data":[{"in":[[]]}]})");
  EXPECT_EQ(scanner.Scan(deeper.view()), RejectReason::kTooDeep);
}

// The same verdict as without arrays to read, and the values of a DOM.
TEST(JsonArraysTest, MutatedDocumentsAreReadAsByNlohmann) {
  const Plan plan;
  JsonScanner scanner(plan, {});
  JsonScanner plain({"/after"}, {});
  std::mt19937_64 random(61);
  const std::string base =
      R"({"data":[{"name":"a","v":{"x":1.5},"in":[{"n":1},{"n":2}]},)"
      R"({"name":"b\n","v":{"x":"y"}},{"in":[{"n":3}]},[1],null],"after":4})";
  int valid = 0;
  int names = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string text = Mutate(base, random);
    const PaddedText padded(text, HostilePaddings()[random() % 12]);
    const auto verdict = scanner.Scan(padded.view());
    ASSERT_EQ(verdict, plain.Scan(padded.view())) << text;
    if (verdict.has_value()) continue;
    // nlohmann's DOM keeps the last of two members: not compared.
    const json dom = json::parse(text, nullptr, false);
    if (dom.is_discarded() || text.find("\"data\"", 3) != std::string::npos) {
      continue;
    }
    const bool is_array = dom.contains("data") && dom["data"].is_array();
    ASSERT_EQ(scanner.rows(plan.data), is_array ? dom["data"].size() : 0u)
        << text;
    ++valid;
    // A name that a mutation has doubled is not compared either.
    if (!is_array || CountOf("\"name\"", text) != 2) continue;
    for (size_t row = 0; row < dom["data"].size(); ++row) {
      const json& element = dom["data"][row];
      const JsonValue& name = scanner.value(plan.name, row);
      const bool has_name = element.is_object() && element.contains("name");
      ASSERT_EQ(name.kind != JsonKind::kAbsent, has_name) << text;
      if (name.kind != JsonKind::kText) continue;
      ASSERT_EQ(element["name"], std::string(name.text())) << text;
      ++names;
    }
  }
  EXPECT_GT(valid, 2000);
  EXPECT_GT(names, 1000);
}

}  // namespace
}  // namespace tacho
