#include "pipeline/cli/cli.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::Pair;

struct Parsed {
  CommandLine line;
  std::string out;
  std::string err;
};

Parsed ParseArguments(const std::vector<std::string>& arguments) {
  std::ostringstream out;
  std::ostringstream err;
  Parsed parsed;
  parsed.line = ParseCommandLine(arguments, out, err);
  parsed.out = out.str();
  parsed.err = err.str();
  return parsed;
}

template <typename Options>
Options Get(const std::vector<std::string>& arguments) {
  const Parsed parsed = ParseArguments(arguments);
  EXPECT_TRUE(parsed.line.command.has_value()) << parsed.err;
  if (!parsed.line.command) return {};
  EXPECT_TRUE(std::holds_alternative<Options>(*parsed.line.command));
  return std::get<Options>(*parsed.line.command);
}

TEST(CliTest, ReadsAllOptionsOfRun) {
  const RunOptions run = Get<RunOptions>(
      {"run", "job.yaml", "--bootstrap", "h:1", "--set", "group.id=a=b",
       "--set", "input.topics=[a, b]", "--state-dir", "/s", "--until-end",
       "--close-at-end", "--leave", "--threads", "3", "--log-level", "debug",
       "--log-format", "json"});
  EXPECT_EQ(run.job_file, "job.yaml");
  EXPECT_THAT(
      run.overrides.set,
      ElementsAre(Pair("group.id", "a=b"), Pair("input.topics", "[a, b]"),
                  Pair("kafka.bootstrap.servers", "h:1"),
                  Pair("state.dir", "/s")));
  EXPECT_TRUE(run.until_end);
  EXPECT_TRUE(run.close_at_end);
  EXPECT_TRUE(run.leave);
  EXPECT_EQ(run.threads, 3);
  EXPECT_EQ(run.log.level, LogLevel::kDebug);
  EXPECT_EQ(run.log.format, LogFormat::kJson);
}

TEST(CliTest, RunHasQuietDefaults) {
  const RunOptions run = Get<RunOptions>({"run", "job.yaml"});
  EXPECT_TRUE(run.overrides.set.empty());
  EXPECT_FALSE(run.until_end || run.close_at_end || run.leave);
  EXPECT_EQ(run.threads, 0);
  EXPECT_EQ(run.log.level, LogLevel::kInfo);
  EXPECT_EQ(run.log.format, LogFormat::kLogfmt);
}

TEST(CliTest, ReadsAllOptionsOfOffsets) {
  const auto show = Get<OffsetsShowOptions>(
      {"offsets", "show", "job.yaml", "--group", "g", "--bootstrap", "h:1"});
  EXPECT_EQ(show.job_file, "job.yaml");
  EXPECT_EQ(show.group, "g");
  EXPECT_THAT(show.overrides.set,
              ElementsAre(Pair("kafka.bootstrap.servers", "h:1")));
  const auto reset = Get<OffsetsResetOptions>(
      {"offsets", "reset", "--topic", "t", "--partition", "2", "--partition",
       "5", "job.yaml", "--to", "1234", "--state", "wipe", "--dry-run"});
  EXPECT_EQ(reset.job_file, "job.yaml");
  EXPECT_EQ(reset.group, "");
  EXPECT_EQ(reset.request.target.offset, 1234);
  EXPECT_EQ(reset.request.topic, "t");
  EXPECT_THAT(reset.request.partitions, ElementsAre(2, 5));
  EXPECT_TRUE(reset.request.wipe && reset.dry_run);
  EXPECT_FALSE(Get<OffsetsResetOptions>(
                   {"offsets", "reset", "j", "--to=latest", "--state=keep"})
                   .request.wipe);
}

TEST(CliTest, AResetSaysWhereToAndWhatBecomesOfTheState) {
  for (const std::vector<std::string>& arguments :
       std::vector<std::vector<std::string>>{
           {"offsets"},
           {"offsets", "reset", "j", "--to", "latest"},
           {"offsets", "reset", "j", "--state", "keep"},
           {"offsets", "reset", "j", "--to", "now", "--state", "keep"},
           {"offsets", "reset", "j", "--to", "latest", "--state", "lose"},
           {"offsets", "show"}}) {
    EXPECT_EQ(ParseArguments(arguments).line.exit_code, 64);
  }
  const Parsed help = ParseArguments({"offsets", "reset", "--help"});
  EXPECT_EQ(help.line.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("closed stay closed"));
}

TEST(CliTest, AnOverrideDoesNotSwallowTheJob) {
  EXPECT_EQ(Get<RunOptions>({"run", "--set", "a=b", "job.yaml"}).job_file,
            "job.yaml");
  const ValidateOptions validate =
      Get<ValidateOptions>({"validate", "--set", "a=b", "a.yaml", "b.yaml"});
  EXPECT_THAT(validate.job_files, ElementsAre("a.yaml", "b.yaml"));
  EXPECT_THAT(validate.overrides.set, ElementsAre(Pair("a", "b")));
}

TEST(CliTest, ReadsAllOptionsOfDemo) {
  const DemoOptions demo = Get<DemoOptions>(
      {"demo", "--duration", "5", "--input", "f.ndjson.gz", "--rate", "100",
       "--seed", "7", "--vehicles", "9", "--job", "a.yaml", "--job", "b.yaml"});
  EXPECT_EQ(demo.duration, std::chrono::seconds(5));
  EXPECT_EQ(demo.input, "f.ndjson.gz");
  EXPECT_EQ(demo.rate, 100u);
  EXPECT_EQ(demo.seed, 7u);
  EXPECT_EQ(demo.vehicles, 9);
  EXPECT_THAT(demo.job_files, ElementsAre("a.yaml", "b.yaml"));
  EXPECT_EQ(Get<DemoOptions>({"demo"}).duration, std::chrono::seconds(20));
}

TEST(CliTest, ReadsTheSmallCommands) {
  EXPECT_FALSE(Get<SchemaOptions>({"schema"}).markdown);
  EXPECT_TRUE(Get<SchemaOptions>({"schema", "--markdown"}).markdown);
  EXPECT_FALSE(Get<VersionOptions>({"version"}).json);
  EXPECT_TRUE(Get<VersionOptions>({"version", "--json"}).json);
}

TEST(CliTest, WrongUsageIsExitCode64AndSaysWhyOnStderr) {
  const std::vector<std::string> wrong[] = {
      {},
      {"frobnicate"},
      {"run"},
      {"validate"},
      {"run", "a.yaml", "b.yaml"},
      {"run", "a.yaml", "--frobnicate"},
      {"run", "a.yaml", "--set"},
      {"run", "a.yaml", "--set", "no-equals"},
      {"run", "a.yaml", "--set", "=value"},
      {"run", "a.yaml", "--threads", "-1"},
      {"run", "a.yaml", "--threads", "many"},
      {"run", "a.yaml", "--log-level", "loud"},
      {"demo", "--duration", "0"},
      {"demo", "--rate", "-1"},
      {"demo", "--vehicles", "0"},
      {"run", "a.yaml", "demo"}};
  for (const std::vector<std::string>& arguments : wrong) {
    const Parsed parsed = ParseArguments(arguments);
    const std::string shown = testing::PrintToString(arguments);
    EXPECT_FALSE(parsed.line.command.has_value()) << shown;
    EXPECT_EQ(parsed.line.exit_code, 64) << shown;
    EXPECT_NE(parsed.err, "") << shown;
    EXPECT_EQ(parsed.out, "") << shown;
  }
}

TEST(CliTest, HelpGoesToStdoutWithExamplesAndExitCodes) {
  const Parsed help = ParseArguments({"--help"});
  EXPECT_FALSE(help.line.command.has_value());
  EXPECT_EQ(help.line.exit_code, 0);
  EXPECT_THAT(help.out, HasSubstr("Examples:\n  tacho demo\n"));
  EXPECT_THAT(help.out, HasSubstr("78   wrong configuration"));
  EXPECT_EQ(help.err, "");
}

TEST(CliTest, HelpOfASubcommandIsAboutThatSubcommand) {
  for (const std::vector<std::string>& arguments :
       {std::vector<std::string>{"run", "--help"},
        {"demo", "--help"},
        {"validate", "--help"},
        {"schema", "--help"},
        {"version", "--help"},
        {"offsets", "--help"},
        {"offsets", "show", "--help"},
        {"offsets", "reset", "--help"}}) {
    const Parsed help = ParseArguments(arguments);
    EXPECT_EQ(help.line.exit_code, 0);
    EXPECT_THAT(help.out, HasSubstr(arguments[0]));
    EXPECT_THAT(help.out, Not(HasSubstr("Exit codes:")));
  }
}

TEST(CliTest, VersionIsAFlagToo) {
  const Parsed version = ParseArguments({"--version"});
  EXPECT_EQ(version.line.exit_code, 0);
  EXPECT_THAT(version.out, testing::MatchesRegex("[0-9]+[.][0-9]+[.][0-9]+\n"));
}

}  // namespace
}  // namespace tacho
