#include "pipeline/decode/json_paths.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/decode/documents.h"

namespace tacho {
namespace {

JsonPaths::Node Find(const JsonPaths& paths, JsonPaths::Node node,
                     std::string_view key) {
  return paths.FindKey(node, PaddedText(key, "\"}").view());
}

TEST(JsonPathsTest, DescendsTokenByToken) {
  const JsonPaths paths({"/location/lat", "/location/lon", "/speed"});
  const auto location = Find(paths, JsonPaths::kRoot, "location");
  ASSERT_NE(location, JsonPaths::kNone);
  EXPECT_TRUE(paths.has_children(location));
  EXPECT_EQ(Find(paths, location, "lat"), paths.node_of(0));
  EXPECT_EQ(Find(paths, location, "lon"), paths.node_of(1));
  EXPECT_EQ(Find(paths, JsonPaths::kRoot, "speed"), paths.node_of(2));
  EXPECT_FALSE(paths.has_children(paths.node_of(2)));
  EXPECT_EQ(Find(paths, JsonPaths::kRoot, "lat"), JsonPaths::kNone);
  EXPECT_EQ(Find(paths, paths.node_of(2), "lat"), JsonPaths::kNone);
}

TEST(JsonPathsTest, EqualPathsShareANode) {
  const JsonPaths paths({"/a/b", "/a", "/a/b"});
  EXPECT_EQ(paths.node_of(0), paths.node_of(2));
  EXPECT_NE(paths.node_of(0), paths.node_of(1));
  EXPECT_EQ(paths.node_count(), 3u);
}

TEST(JsonPathsTest, ElementIndexHasNoLeadingZero) {
  const JsonPaths paths({"/0", "/10", "/01"});
  EXPECT_EQ(paths.FindElement(JsonPaths::kRoot, 0), paths.node_of(0));
  EXPECT_EQ(paths.FindElement(JsonPaths::kRoot, 10), paths.node_of(1));
  EXPECT_EQ(paths.FindElement(JsonPaths::kRoot, 1), JsonPaths::kNone);
  EXPECT_EQ(Find(paths, JsonPaths::kRoot, "01"), paths.node_of(2));
}

// Every pair of a token and a key is equal exactly if the texts are: lengths
// around the 16 bytes that are compared at once, and many in one bucket.
TEST(JsonPathsTest, KeyIsFoundIfAndOnlyIfItIsAToken) {
  std::vector<std::string> tokens = {"", std::string(1, '\0')};
  for (const size_t size : {1u, 2u, 7u, 8u, 9u, 15u, 16u, 17u, 40u}) {
    for (size_t flip = 0; flip < size; ++flip) {
      std::string token(size, 'a');
      token[flip] = 'b';
      tokens.push_back(token);
    }
  }
  std::vector<std::string> wanted;
  for (size_t i = 0; i < tokens.size(); i += 2)
    wanted.push_back("/" + tokens[i]);
  const JsonPaths paths(wanted);
  for (size_t i = 0; i < tokens.size(); ++i) {
    const auto found = Find(paths, JsonPaths::kRoot, tokens[i]);
    EXPECT_EQ(found, i % 2 == 0 ? paths.node_of(i / 2) : JsonPaths::kNone)
        << tokens[i];
  }
}

TEST(JsonPathsTest, NodesAreCountedBeforeTheyAreMade) {
  for (const std::vector<std::string>& paths :
       {std::vector<std::string>{},
        {"/a"},
        {"/a/b", "/a", "/a/b"},
        {"/location/lat", "/speed", "/location/lon", "/locations/lat"},
        {"/a~1b/x", "/a~1b/y", "/a/b", "//", "/"}}) {
    EXPECT_EQ(CountPathNodes(paths), JsonPaths(paths).node_count() - 1);
  }
  EXPECT_EQ(CountPathNodes({"", "no pointer", "/a"}), 1u);
}

TEST(JsonPathsTest, HoldsAsManyNodesAsItSays) {
  std::vector<std::string> paths;
  for (size_t i = 0; i < kMaxPathNodes; ++i) {
    paths.push_back("/" + std::to_string(i));
  }
  const JsonPaths all(paths);
  EXPECT_EQ(all.node_count() - 1, kMaxPathNodes);
  EXPECT_EQ(Find(all, JsonPaths::kRoot, "65534"), all.node_of(65534));
  paths.push_back("/one more");
  EXPECT_EQ(CountPathNodes(paths), kMaxPathNodes + 1);
}

}  // namespace
}  // namespace tacho
