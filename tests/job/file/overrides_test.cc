#include "pipeline/job/file/overrides.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/job/job_text.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

JobOverrides Set(std::vector<std::pair<std::string, std::string>> overrides) {
  return JobOverrides{std::move(overrides)};
}

ParsedJob ParseWith(
    std::vector<std::pair<std::string, std::string>> overrides) {
  return Parse(std::string(kSmallJob), Set(std::move(overrides)));
}

std::string ComplainWith(const std::string& path, const std::string& value) {
  return Complain(std::string(kSmallJob), Set({{path, value}}));
}

TEST(OverridesTest, ReplaceAndAddValues) {
  const ParsedJob parsed =
      ParseWith({{"group.id", "backfill"},
                 {"commit.interval", "1s"},
                 {"streams.fast.output.topic", "elsewhere"},
                 {"streams.fast.operators.0.excursion.when", "speed > 3"},
                 {"input.topics", "[a, b]"},
                 {"rejects", "{topic: r}"}});
  ASSERT_TRUE(parsed.ok()) << FormatDiagnostics("j", parsed.errors);
  EXPECT_EQ(parsed.job.group.id, "backfill");
  EXPECT_EQ(parsed.job.commit.interval, Millis{1000});
  EXPECT_EQ(parsed.job.streams[0].output.topic, "elsewhere");
  EXPECT_EQ(parsed.job.streams[0].operators[0].params.Find("when")->text,
            "speed > 3");
  EXPECT_EQ(parsed.job.topics, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(parsed.job.rejects.topic, "r");
}

TEST(OverridesTest, TheLastOneWins) {
  EXPECT_EQ(ParseWith({{"group.id", "a"}, {"group.id", "b"}}).job.group.id,
            "b");
}

TEST(OverridesTest, AKafkaPropertyKeepsItsDots) {
  const ParsedJob parsed = ParseWith({{"kafka.bootstrap.servers", "h:1"},
                                      {"kafka.sasl.password", "{env: PW}"}});
  ASSERT_TRUE(parsed.ok()) << FormatDiagnostics("j", parsed.errors);
  ASSERT_EQ(parsed.job.kafka.size(), 2u);
  EXPECT_EQ(parsed.job.kafka[0].value.Reveal(), "h:1");
  EXPECT_EQ(parsed.job.kafka[1].name, "sasl.password");
  EXPECT_EQ(parsed.job.kafka[1].source, KafkaProperty::Source::kEnvironment);
}

TEST(OverridesTest, BootstrapCanComeFromTheCommandLineAlone) {
  const std::string text =
      SmallJob("kafka: {bootstrap.servers: localhost:9092}\n", "");
  EXPECT_THAT(Complain(text), HasSubstr("missing 'kafka'"));
  EXPECT_EQ(Complain(text, Set({{"kafka.bootstrap.servers", "h:1"}})), "");
}

TEST(OverridesTest, ErrorsNameTheOverrideAndNoLine) {
  EXPECT_EQ(ComplainWith("commit.interval", "9"),
            "--set commit.interval: error: commit.interval: '9' is not a "
            "duration; write digits and a unit, as in 200ms, 10s, 1h30m or "
            "7d\n");
  EXPECT_EQ(ComplainWith("comit.interval", "9s"),
            "--set comit.interval: error: unknown key 'comit'; did you mean "
            "'commit'?\n");
  EXPECT_EQ(ComplainWith("rejects", "{}"),
            "--set rejects: error: missing 'rejects.topic'\n");
  EXPECT_EQ(ComplainWith("streams.fast.operators.0.excursion.when", "sped > 3"),
            "--set streams.fast.operators.0.excursion.when: error: unknown "
            "signal 'sped'\n");
  EXPECT_EQ(ComplainWith("group.id", "test"),
            "--set group.id: warning: group.id: 'test' is a name that others "
            "use too; jobs that share a group take each other's partitions\n");
}

TEST(OverridesTest, PathsMustLeadSomewhere) {
  for (const char* path : {"", ".", "a..b", "a.", ".a"}) {
    EXPECT_THAT(ComplainWith(path, "1"),
                HasSubstr("a path is names joined by dots"))
        << path;
  }
  EXPECT_EQ(ComplainWith("job.name", "a"),
            "--set job.name: error: nothing can be set at 'name'\n");
  EXPECT_EQ(ComplainWith("streams.fast.operators.1.filter", "a"),
            "--set streams.fast.operators.1.filter: error: nothing can be set "
            "at '1'\n");
  EXPECT_EQ(ComplainWith("streams.fast.operators.first", "a"),
            "--set streams.fast.operators.first: error: nothing can be set at "
            "'first'\n");
  EXPECT_THAT(ComplainWith("input.topics", "[a"),
              HasSubstr("--set input.topics: error: YAML syntax"));
}

TEST(OverridesTest, AreTextLikeTheFile) {
  for (const std::string& bad :
       {std::string("caf\xff"), std::string("a\x01z"), std::string("a\0b", 3),
        std::string("[a, \xc3]")}) {
    EXPECT_THAT(ComplainWith("job", bad),
                HasSubstr("neither UTF-8 nor white space"))
        << bad;
  }
  EXPECT_THAT(ComplainWith("group.\xff", "a"),
              HasSubstr("the path holds a byte that is neither UTF-8 nor"));
  EXPECT_EQ(ComplainWith("state.dir", "/d\xc3\xa4ta"), "");
}

}  // namespace
}  // namespace tacho
