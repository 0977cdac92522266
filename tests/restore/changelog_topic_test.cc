#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/restore/changelog.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// As Kafka compares names: two that differ in these only collide.
std::string MetricName(std::string topic) {
  std::replace(topic.begin(), topic.end(), '.', '_');
  return topic;
}

bool IsTopic(const std::string& name) {
  return !name.empty() && name.size() <= 249 &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRST"
             "UVWXYZ0123456789._-") == name.npos;
}

// Every text of 1 to `length` bytes out of `letters`.
std::vector<std::string> AllTexts(const std::string& letters, size_t length) {
  std::vector<std::string> texts = {""};
  size_t begin = 0;
  for (size_t n = 0; n < length; ++n) {
    const size_t end = texts.size();
    for (size_t i = begin; i < end; ++i) {
      for (const char c : letters) texts.push_back(texts[i] + c);
    }
    begin = end;
  }
  texts.erase(texts.begin());
  return texts;
}

// Holds names against each other.
class Names {
 public:
  void Add(const std::string& group, const std::string& input) {
    const std::string name = ChangelogTopic(group, input, 0);
    const auto [at, is_new] =
        names_.try_emplace(MetricName(name), group, input);
    EXPECT_TRUE(is_new || at->second == std::pair(group, input))
        << name << ": (" << group << ", " << input << ") and ("
        << at->second.first << ", " << at->second.second << ")";
    EXPECT_TRUE(IsTopic(name)) << name;
    EXPECT_TRUE(IsNamedLikeChangelog(name)) << name;
    EXPECT_EQ(ChangelogGeneration(group, input, name), 0) << name;
  }
  size_t size() const { return names_.size(); }

 private:
  std::map<std::string, std::pair<std::string, std::string>> names_;
};

TEST(ChangelogTopicTest, NamesAreReadableAndAContract) {
  EXPECT_EQ(ChangelogTopic("telemetry-analytics", "vehicle.telemetry", 0),
            "telemetry-analytics-vehicle.telemetry-changelog-g0");
  EXPECT_EQ(ChangelogTopic("eu", "cars-raw", 7), "eu-cars_2Draw-changelog-g7");
  EXPECT_EQ(ChangelogTopic("eu-cars", "raw", 7), "eu-cars-raw-changelog-g7");
  EXPECT_EQ(ChangelogTopic("a_b", "x_y.z", 1), "a_5Fb-x_5Fy.z-changelog-g1");
  EXPECT_EQ(ChangelogTopic("team/eu west:1", "in", 0),
            "team_2Feu_20west_3A1-in-changelog-g0");
  EXPECT_EQ(ChangelogTopic("g", "fleet.2D", 0), "g-fleet_2E2D-changelog-g0");
  EXPECT_EQ(ChangelogTopicOf01("eu", "cars-raw", 7),
            "eu-cars-raw-changelog-g7");
}

TEST(ChangelogTopicTest, TheNamesOf01ThatAreNotTodaysAreKnown) {
  EXPECT_TRUE(IsChangelogOf01("eu", "cars-raw", "eu-cars-raw-changelog-g7"));
  EXPECT_FALSE(IsChangelogOf01("eu", "cars-raw", "eu-cars_2Draw-changelog-g7"));
  EXPECT_FALSE(IsChangelogOf01("eu-cars", "raw", "eu-cars-raw-changelog-g7"));
  EXPECT_FALSE(IsChangelogOf01("eu", "cars-raw", "eu-cars-raw-changelog-g07"));
}

TEST(ChangelogTopicTest, NoTwoShortPairsShareAName) {
  const auto groups = AllTexts("a-._2D/", 4);
  const auto inputs = AllTexts("a-._2D", 3);
  Names names;
  // Every pair of short ones, and longer groups with a few inputs.
  for (const std::string& group : groups) {
    for (const std::string& input : inputs) {
      if (group.size() + input.size() > 5 && input != "a") continue;
      names.Add(group, input);
    }
  }
  EXPECT_GT(names.size(), 20000u);
}

TEST(ChangelogTopicTest, NoTwoGeneratedPairsShareAName) {
  std::mt19937 random(20261128);
  const std::string letters = "ab-._25DFEg0/: \xc3\xa9";
  const std::string legal = "ab-._25DFEg0";
  const auto text = [&](const std::string& from, size_t most) {
    std::string out;
    const size_t size = 1 + random() % most;
    while (out.size() < size) out += from[random() % from.size()];
    return out;
  };
  Names names;
  for (int i = 0; i < 20000; ++i) {
    // The same characters, cut at every place in turn.
    const std::string joined = text(legal, 12) + "-" + text(legal, 12);
    for (size_t at = 1; at < joined.size(); ++at) {
      names.Add(joined.substr(0, at), joined.substr(at));
    }
    names.Add(text(letters, 20), text(legal, 20));
  }
}

TEST(ChangelogTopicTest, LongNamesAreHashedAndStayApart) {
  const std::string topic(249, 't');
  Names names;
  for (size_t group = 1; group <= 300; ++group) {
    for (const size_t input :
         {size_t{1}, size_t{100}, 218 - group, size_t{235}, size_t{249}}) {
      if (input < 1 || input > 249) continue;
      names.Add(std::string(group, 'g'), topic.substr(0, input));
      names.Add(std::string(group, 'g'), topic.substr(1, input - 1) + "u");
    }
  }
  const std::string longest = ChangelogTopic("g", topic, INT64_MAX);
  EXPECT_EQ(longest.size(), 249u);
  EXPECT_TRUE(longest.starts_with("g-ttt"));
  EXPECT_EQ(ChangelogGeneration("g", topic, longest), INT64_MAX);
  // What is just short enough is as it was written.
  const std::string input(215, 't');
  EXPECT_EQ(ChangelogTopic("g", input, 0), "g-" + input + "-changelog-g0");
  EXPECT_NE(ChangelogTopic("g", input + "t", 0),
            "g-" + input + "t-changelog-g0");
}

TEST(ChangelogTopicTest, OnlyOwnNamesHaveAGeneration) {
  EXPECT_EQ(ChangelogGeneration("g", "in", "g-in-changelog-g12"), 12);
  for (const char* const topic :
       {"g-in-changelog-g", "g-in-changelog-g-1", "g-in-changelog-g01",
        "g-in-changelog-g1x", "g-in-changelog-g99999999999999999999",
        "g-inn-changelog-g1", "h-in-changelog-g1", "g-in-changelog-g1.2", ""}) {
    EXPECT_EQ(ChangelogGeneration("g", "in", topic), std::nullopt) << topic;
  }
}

TEST(ChangelogTopicTest, WhatIsNamedLikeAChangelog) {
  for (const char* const topic :
       {"g-in-changelog-g0", "-changelog-g1", "a.b-x-changelog-g12"}) {
    EXPECT_TRUE(IsNamedLikeChangelog(topic)) << topic;
  }
  for (const char* const topic : {"changelog", "vehicle-changelog", "x-g0",
                                  "a-changelog-gx", "a-changelog-g", ""}) {
    EXPECT_FALSE(IsNamedLikeChangelog(topic)) << topic;
  }
}

TEST(ChangelogTopicTest, WhatWeCreateIsFit) {
  EXPECT_THAT(CheckChangelogTopic(ChangelogTopicConfig(), 8, 8), IsEmpty());
  EXPECT_EQ(DeleteRetention(ChangelogTopicConfig()), kMinDeleteRetention);
}

TEST(ChangelogTopicTest, EveryFaultIsNamedWithTheSettingThatRepairsIt) {
  const auto faults = CheckChangelogTopic(
      {{"cleanup.policy", "compact,delete"}, {"delete.retention.ms", "1000"}},
      4, 8);

  ASSERT_THAT(faults, SizeIs(3));
  EXPECT_THAT(faults[0].what, HasSubstr("4 partitions and its input 8"));
  EXPECT_EQ(faults[0].config, "");
  EXPECT_THAT(faults[1].what, HasSubstr("compact,delete"));
  EXPECT_EQ(faults[1].config, "cleanup.policy=compact");
  EXPECT_THAT(faults[2].what, HasSubstr("1000"));
  EXPECT_EQ(faults[2].config, "delete.retention.ms=86400000");
}

TEST(ChangelogTopicTest, SettingsThatTheBrokerDoesNotSayAreFaults) {
  EXPECT_THAT(CheckChangelogTopic({}, 1, 1), SizeIs(2));
}

}  // namespace
}  // namespace tacho
