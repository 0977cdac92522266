#include "pipeline/preflight/preflight_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "pipeline/job/job_parser.h"
#include "pipeline/job/output_limits.h"
#include "pipeline/kafka/kafka_commands.h"
#include "pipeline/restore/changelog.h"

namespace tacho {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

const Status kDenied{StatusCode::kPermission, "denied"};
const Status kMissing{StatusCode::kNotFound, "missing"};
constexpr const char* kLog = "readers-in-changelog-g0";

Job MakeJob(const std::string& aggregates = "n: count()",
            const std::string& side = "") {
  const ParsedJob parsed = ParseJob(
      "job: job\n"
      "kafka: {bootstrap.servers: 'b:9092'}\n"
      "group: {id: readers}\n"
      "input:\n"
      "  topics: [in]\n"
      "  vehicle: /id\n"
      "  event_time: {path: /ts}\n"
      "  signals:\n"
      "    speed: {path: /speed}\n"
      "    status: {path: /status, type: string}\n"
      "streams:\n"
      "  all:\n"
      "    operators:\n"
      "      - window_aggregate: {window: {tumbling: 1m}, aggregates: {" +
      aggregates +
      "}}\n"
      "    output: {topic: out}\n"
      "rejects: {topic: bad" +
      side +
      "}\n"
      "late: {topic: late}\n");
  EXPECT_TRUE(parsed.ok()) << FormatDiagnostics("", parsed.errors);
  return parsed.job;
}

TopicFinding Topic(int32_t partitions = 4) {
  TopicFinding finding;
  finding.shape = {partitions, 3};
  finding.config = {{"cleanup.policy", "delete"},
                    {"min.insync.replicas", "2"},
                    {"max.message.bytes", "1048588"},
                    {"message.timestamp.type", "LogAppendTime"}};
  return finding;
}

// A cluster that has all that the job needs.
PreflightFindings Good() {
  PreflightFindings findings;
  findings.properties = {{"bootstrap.servers", "b:9092"}};
  findings.brokers = 3;
  findings.transactional_name = "job-readers-w";
  for (const char* topic : {"in", "out", "bad", "late"}) {
    findings.topics[topic] = Topic();
  }
  findings.changelogs[kLog] = {"in", Topic()};
  auto& config = findings.changelogs[kLog].topic.config;
  for (const auto& [name, value] : ChangelogTopicConfig()) config[name] = value;
  return findings;
}

std::vector<std::string> Fixes(const PreflightFindings& findings,
                               const Job& job = MakeJob()) {
  std::vector<std::string> fixes;
  for (const auto& problem : EvaluatePreflight(job, findings).problems) {
    fixes.push_back(problem.fix);
  }
  return fixes;
}

std::vector<std::string> Warnings(const PreflightFindings& findings) {
  return EvaluatePreflight(MakeJob(), findings).warnings;
}

TEST(PreflightTest, AClusterThatHasAllIsQuiet) {
  const PreflightReport report = EvaluatePreflight(MakeJob(), Good());
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_THAT(report.warnings, IsEmpty());
  EXPECT_THAT(report.create, IsEmpty());
  EXPECT_TRUE(ToStatus(report.problems).ok());
}

// ---- Topics.

TEST(PreflightTest, EveryMissingTopicComesWithItsCommand) {
  PreflightFindings findings = Good();
  for (const char* topic : {"out", "bad", "late"}) {
    findings.topics[topic] = {};
    findings.topics[topic].found = kMissing;
  }
  EXPECT_THAT(
      Fixes(findings),
      ElementsAre("kafka-topics.sh --bootstrap-server b:9092 --create --topic "
                  "bad --partitions 4",
                  HasSubstr("--topic late --partitions 4"),
                  HasSubstr("--topic out --partitions 4")));
  findings.topics["in"].found = kMissing;
  findings.topics["in"].shape = {};
  EXPECT_THAT(Fixes(findings)[0], HasSubstr("--topic in --partitions N"));
  EXPECT_THAT(Fixes(findings), SizeIs(4));
}

TEST(PreflightTest, AMissingTopicIsMadeWhereTheJobSaysSo) {
  const Job job = MakeJob("n: count()", ", create: {partitions: 6}");
  PreflightFindings findings = Good();
  findings.topics["bad"].found = kMissing;
  const PreflightReport report = EvaluatePreflight(job, findings);
  EXPECT_THAT(report.problems, IsEmpty());
  EXPECT_THAT(report.create, ElementsAre(Pair("bad", 6)));
  findings.topics["bad"].creatable = kDenied;
  EXPECT_THAT(Fixes(findings, job),
              ElementsAre(HasSubstr("--operation Create --topic bad")));
}

TEST(PreflightTest, ACompactedOutputIsAProblemWhereKeysMayBeMissing) {
  PreflightFindings findings = Good();
  findings.topics["out"].config["cleanup.policy"] = "compact";
  EXPECT_THAT(Fixes(findings), IsEmpty());
  EXPECT_THAT(Warnings(findings), ElementsAre(HasSubstr("newest result")));
  findings.topics["bad"].config["cleanup.policy"] = "compact,delete";
  EXPECT_THAT(Fixes(findings),
              ElementsAre("kafka-configs.sh --bootstrap-server b:9092 --alter "
                          "--entity-type topics --entity-name bad --add-config "
                          "cleanup.policy=delete"));
}

TEST(PreflightTest, MoreReplicasInSyncThanThereAre) {
  PreflightFindings findings = Good();
  findings.topics["out"].shape.replication = 2;
  EXPECT_THAT(Fixes(findings), IsEmpty());
  findings.topics["out"].shape.replication = 1;
  EXPECT_THAT(Fixes(findings), ElementsAre(HasSubstr("min.insync.replicas=1")));
}

TEST(PreflightTest, WhatMaySurpriseIsWarnedAbout) {
  PreflightFindings findings = Good();
  findings.expiring = {"out"};
  findings.broker_config = {{"inter.broker.protocol.version", "2.4-IV1"}};
  findings.changelogs[kLog].topic.shape.replication = 1;
  findings.changelogs[kLog].topic.config["min.insync.replicas"] = "1";
  EXPECT_THAT(Warnings(findings),
              ElementsAre(HasSubstr("2.5 or later"), HasSubstr("one replica"),
                          HasSubstr("retention.ms")));
  EXPECT_THAT(Fixes(findings), IsEmpty());
  for (const char* version : {"2.5-IV0", "3.9", "4.0-IV3", "", "x"}) {
    findings = Good();
    findings.broker_config["inter.broker.protocol.version"] = version;
    EXPECT_THAT(Warnings(findings), IsEmpty()) << version;
  }
}

TEST(PreflightTest, ClocksOfProducersComeWithTheRemedy) {
  PreflightFindings findings = Good();
  auto& config = findings.topics["in"].config;
  const auto notes = [&] {
    return EvaluatePreflight(MakeJob(), findings).notes;
  };
  EXPECT_THAT(notes(), IsEmpty());
  config["message.timestamp.type"] = "CreateTime";
  const std::string alter =
      "kafka-configs.sh --bootstrap-server b:9092 --alter --entity-type topics "
      "--entity-name in --add-config ";
  EXPECT_THAT(notes(),
              ElementsAre(AllOf(
                  HasSubstr(alter + "message.timestamp.type=LogAppendTime"),
                  HasSubstr(alter + "message.timestamp.after.max.ms=300000"))));
  EXPECT_THAT(Warnings(findings), IsEmpty());
  config["message.timestamp.after.max.ms"] = "300001";
  EXPECT_THAT(notes(), SizeIs(1));
  config["message.timestamp.after.max.ms"] = "300000";
  EXPECT_THAT(notes(), IsEmpty());
}

// ---- The changelog.

TEST(PreflightTest, ScramIsWarnedAboutWhereTheClientIsTooOldForKafka4) {
  PreflightFindings findings = Good();
  findings.properties.emplace_back("sasl.mechanism", "SCRAM-SHA-256");
  findings.client_version = 0x020002ff;
  EXPECT_THAT(Warnings(findings), ElementsAre(HasSubstr("2.6.1")));
  findings.client_version = 0x020601ff;
  EXPECT_THAT(Warnings(findings), IsEmpty());
}

TEST(PreflightTest, AnOutputThatTakesNothingIsAProblemAtOnce) {
  PreflightFindings findings = Good();
  findings.topics["out"].writable = {StatusCode::kInvalidArgument,
                                     "TOPIC_EXCEPTION"};
  EXPECT_THAT(Fixes(findings), SizeIs(1));
  // That nobody answered says nothing.
  findings.topics["out"].writable = {StatusCode::kUnavailable, "away", true};
  EXPECT_THAT(Fixes(findings), IsEmpty());
}

TEST(PreflightTest, HowFarStampsMayBeFromNowIsReadFromTheTopic) {
  constexpr Millis kAny = Millis::max();
  const auto limits = [](std::map<std::string, std::string> config) {
    PreflightFindings findings = Good();
    findings.topics["out"].config = std::move(config);
    const auto all = EvaluatePreflight(MakeJob(), findings).limits.stamps;
    const auto found = all.find("out");
    return found == all.end() ? StampLimits{Millis(-1), Millis(-1)}
                              : found->second;
  };
  const std::string type = "message.timestamp.type";
  const std::string before = "message.timestamp.before.max.ms";
  const std::string after = "message.timestamp.after.max.ms";

  const StampLimits kafka4 = limits({{type, "CreateTime"},
                                     {before, "9223372036854775807"},
                                     {after, "3600000"}});
  EXPECT_EQ(kafka4.before, kAny);
  EXPECT_EQ(kafka4.after, Millis(3600000));
  const StampLimits kafka3 = limits(
      {{type, "CreateTime"}, {"message.timestamp.difference.max.ms", "5000"}});
  EXPECT_EQ(kafka3.before, Millis(5000));
  EXPECT_EQ(kafka3.after, Millis(5000));
  const StampLimits append = limits({{type, "LogAppendTime"}, {after, "1"}});
  EXPECT_EQ(append.after, kAny);
  EXPECT_EQ(limits({}).after, Millis(-1));  // Not ours to read: unknown.
}

TEST(PreflightTest, EveryFaultOfAChangelogIsNamed) {
  PreflightFindings findings = Good();
  TopicFinding& log = findings.changelogs[kLog].topic;
  log.shape.partitions = 3;
  log.config["cleanup.policy"] = "delete";
  log.config["delete.retention.ms"] = "1000";
  EXPECT_THAT(Fixes(findings),
              ElementsAre(HasSubstr("tacho offsets reset"),
                          HasSubstr("cleanup.policy=compact"),
                          HasSubstr("delete.retention.ms=86400000")));
}

TEST(PreflightTest, AChangelogMayGrowWithItsInputWhereTheJobSaysSo) {
  PreflightFindings findings = Good();
  findings.changelogs[kLog].topic.shape.partitions = 3;
  EXPECT_THAT(Fixes(findings), SizeIs(1));
  Job job = MakeJob();
  job.partitions_added = PartitionsAdded::kContinue;
  EXPECT_THAT(Fixes(findings, job), IsEmpty());
  findings.changelogs[kLog].topic.shape.partitions = 5;
  EXPECT_THAT(Fixes(findings, job), SizeIs(1));
}

TEST(PreflightTest, AMissingChangelogIsMadeWithTheInputsPartitions) {
  PreflightFindings findings = Good();
  findings.changelogs[kLog].topic = {};
  findings.changelogs[kLog].topic.found = kMissing;
  EXPECT_THAT(EvaluatePreflight(MakeJob(), findings).create,
              ElementsAre(Pair(kLog, 4)));
  findings.changelogs[kLog].topic.creatable = kDenied;
  EXPECT_THAT(Fixes(findings),
              ElementsAre(HasSubstr(std::string("Create --topic ") + kLog)));
}

// ---- The group.

OffsetMetadata Beside(const std::string& job) {
  OffsetMetadata metadata;
  metadata.job = job;
  return metadata;
}

TEST(PreflightTest, AGroupOfAnotherJobIsRefusedOnce) {
  PreflightFindings findings = Good();
  findings.offsets = {{{"in", 0}, Beside("other")},
                      {{"in", 1}, Beside("job")},
                      {{"in", 2}, Beside("other")}};
  const auto problems = EvaluatePreflight(MakeJob(), findings).problems;
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_EQ(problems[0].code, StatusCode::kInvalidArgument);
  EXPECT_THAT(problems[0].what,
              HasSubstr("group readers belongs to job other"));
  EXPECT_THAT(problems[0].fix, HasSubstr("group.id of its own"));

  findings.offsets = {{{"in", 0}, Beside("job")}};
  EXPECT_THAT(EvaluatePreflight(MakeJob(), findings).problems, IsEmpty());
}

TEST(PreflightTest, AGroupOfAnotherJobIsKnownByAnyOfItsTopics) {
  PreflightFindings findings = Good();
  findings.offsets = {{{"elsewhere", 0}, Beside("other")}};
  const auto problems = EvaluatePreflight(MakeJob(), findings).problems;
  ASSERT_THAT(problems, SizeIs(1));
  EXPECT_THAT(problems[0].what, HasSubstr("belongs to job other: it has "
                                          "offsets of topic elsewhere"));
  EXPECT_THAT(problems[0].fix,
              HasSubstr("kafka-consumer-groups.sh --bootstrap-server b:9092 "
                        "--delete-offsets --group readers --topic elsewhere"));
  // What was an input of 0.1's says nothing about the state of today's.
  findings.offsets = {
      {{"elsewhere", 0}, *ParseOffsetMetadata("tacho1;g=0;start")}};
  EXPECT_THAT(EvaluatePreflight(MakeJob(), findings).problems, IsEmpty());
}

TEST(PreflightTest, AGroupOfAnotherVersionIsRefusedAsSuch) {
  PreflightFindings findings = Good();
  findings.offsets = {{{"in", 0}, *ParseOffsetMetadata("tacho1;g=0;start")}};
  EXPECT_THAT(EvaluatePreflight(MakeJob(), findings).problems[0].what,
              HasSubstr("tacho 0.1 wrote the offsets of group readers"));
  findings.offsets = {{{"in", 0}, *ParseOffsetMetadata("tacho3;x")}};
  EXPECT_THAT(EvaluatePreflight(MakeJob(), findings).problems[0].what,
              HasSubstr("a later version of tacho (format 3)"));
}

TEST(PreflightTest, NamesThatAShellReadsAreQuoted) {
  Job job = MakeJob();
  job.group.id = "team/eu west:1";
  PreflightFindings findings = Good();
  findings.group = kDenied;
  findings.transactional_id = kDenied;
  EXPECT_THAT(Fixes(findings, job),
              ElementsAre(HasSubstr("--group 'team/eu west:1'"),
                          HasSubstr("--transactional-id "
                                    "'job-team/eu west:1-' ")));
  EXPECT_EQ(ShellWord("it's"), R"('it'\''s')");
  EXPECT_EQ(ShellWord("$(x)"), "'$(x)'");
  EXPECT_EQ(ShellWord(""), "''");
  EXPECT_EQ(ShellWord("plain-1.2_3"), "plain-1.2_3");
}

// ---- Topics with the marks of a changelog.

TEST(PreflightTest, AnOutputThatIsMadeLikeAChangelogIsRefused) {
  for (const char* const topic : {"in", "out", "bad", "late"}) {
    PreflightFindings findings = Good();
    for (const auto& [name, value] : ChangelogTopicConfig()) {
      findings.topics[topic].config[name] = value;
    }
    const auto problems = EvaluatePreflight(MakeJob(), findings).problems;
    EXPECT_THAT(problems,
                Contains(Field(&PreflightProblem::what,
                               HasSubstr(std::string("topic ") + topic +
                                         " has the settings with which"))));
  }
}

TEST(PreflightTest, ACompactedOutputWithSettingsOfItsOwnIsNoChangelog) {
  PreflightFindings findings = Good();
  for (const auto& [name, value] : ChangelogTopicConfig()) {
    findings.topics["out"].config[name] = value;
  }
  findings.topics["out"].config["segment.bytes"] = "1073741824";
  EXPECT_THAT(EvaluatePreflight(MakeJob(), findings).problems, IsEmpty());
}

// ---- Rights.

TEST(PreflightTest, EveryMissingRightComesWithItsCommand) {
  PreflightFindings findings = Good();
  findings.group = kDenied;
  findings.transactional_id = kDenied;
  findings.topics["in"].readable = kDenied;
  findings.topics["out"].writable = kDenied;
  findings.topics["late"] = {};
  findings.topics["late"].found = kDenied;
  findings.changelogs[kLog].topic = {};
  findings.changelogs[kLog].topic.found = kDenied;
  const std::string grant =
      "kafka-acls.sh --bootstrap-server b:9092 --add --allow-principal "
      "User:PRINCIPAL --operation ";
  const std::string log = std::string(" --topic ") + kLog;
  EXPECT_THAT(
      Fixes(findings),
      ElementsAre(grant + "Read --topic in", grant + "Write --topic late",
                  grant + "Write --topic out",
                  grant +
                      "Read --operation Write --operation Create "
                      "--operation DescribeConfigs" +
                      log,
                  grant + "Read --group readers",
                  grant + "Write --operation Describe --transactional-id "
                          "job-readers- --resource-pattern-type prefixed"));
  EXPECT_EQ(ToStatus(EvaluatePreflight(MakeJob(), findings).problems).code(),
            StatusCode::kPermission);
  findings.topics["out"].found = kMissing;
  const Status mixed =
      ToStatus(EvaluatePreflight(MakeJob(), findings).problems);
  EXPECT_EQ(mixed.code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(mixed.message(), HasSubstr("6 problems: "));
}

TEST(PreflightTest, EachRightOnAChangelogIsMissedAlone) {
  PreflightFindings findings = Good();
  TopicFinding& log = findings.changelogs[kLog].topic;
  log.readable = log.writable = log.described = kDenied;
  log.config.clear();
  EXPECT_THAT(Fixes(findings),
              ElementsAre(HasSubstr("Read"), HasSubstr("Write"),
                          HasSubstr("DescribeConfigs")));
}

TEST(PreflightTest, NoAnswerIsNoProblem) {
  const Status silent{StatusCode::kUnavailable, "timed out", true};
  PreflightFindings findings = Good();
  findings.group = silent;
  findings.transactional_id = silent;
  for (auto& [name, finding] : findings.topics) {
    finding.readable = finding.writable = finding.described = silent;
    finding.config.clear();
  }
  findings.changelogs[kLog].topic.config.clear();
  EXPECT_THAT(Fixes(findings), IsEmpty());
}

TEST(PreflightTest, ATransactionTimeoutThatTheBrokersRefuse) {
  PreflightFindings findings = Good();
  findings.transactional_id = InvalidArgument("10000 ms is more than ...");
  EXPECT_THAT(Fixes(findings),
              ElementsAre(HasSubstr("transaction.max.timeout.ms")));
}

// ---- Sizes.

std::string Texts(int count) {
  std::string texts;
  for (int i = 0; i < count; ++i) {
    texts += (i > 0 ? ", a" : "a") + std::to_string(i) + ": last(status)";
  }
  return texts;
}

// The greatest result, counted by hand: key, braces, names, quotes, texts.
TEST(PreflightTest, WhatAResultCanTakeIsKnownBeforeThereIsOne) {
  const size_t fixed = kMessageFraming + 256         // The key.
                       + 4 + 10 + 2 + 256            // vehicle_id
                       + 4 + 12 + 48 + 4 + 10 + 48;  // start, end
  EXPECT_EQ(MaxResultBytes(MakeJob(), MakeJob().streams[0]),
            fixed + 4 + 1 + 48);
  const Job job = MakeJob(Texts(2));
  EXPECT_EQ(MaxResultBytes(job, job.streams[0]),
            fixed + 2 * (4 + 2 + 2 + 65536));
}

TEST(PreflightTest, ResultsAndStateThatTheirTopicsCouldRefuse) {
  PreflightFindings findings = Good();
  EXPECT_THAT(Fixes(findings, MakeJob(Texts(15))), IsEmpty());
  const Job too_large = MakeJob(Texts(16));
  EXPECT_THAT(
      Fixes(findings, too_large),
      ElementsAre(AllOf(HasSubstr("--entity-name out "),
                        HasSubstr("max.message.bytes=" +
                                  std::to_string(MaxResultBytes(
                                      too_large, too_large.streams[0])))),
                  AllOf(HasSubstr(std::string("--entity-name ") + kLog + " "),
                        HasSubstr("max.message.bytes=" +
                                  std::to_string(MaxStateBytes(too_large))))));
  EXPECT_THAT(EvaluatePreflight(too_large, findings).problems[0].what,
              HasSubstr("lower limits.string_bytes"));
  // A topic that takes exactly that is enough.
  findings.topics["out"].config["max.message.bytes"] =
      std::to_string(MaxResultBytes(too_large, too_large.streams[0]));
  findings.changelogs[kLog].topic.config["max.message.bytes"] =
      std::to_string(MaxStateBytes(too_large));
  EXPECT_THAT(Fixes(findings, too_large), IsEmpty());
}

// The job says how large a reject is, not the topic of the day: it must be the
// same in a replay.
TEST(PreflightTest, ATopicThatDoesNotTakeRejects) {
  PreflightFindings findings = Good();
  findings.topics["bad"].config["max.message.bytes"] = "1048587";
  findings.topics["late"].config["max.message.bytes"] = "5000";
  EXPECT_THAT(Fixes(findings),
              ElementsAre(HasSubstr("max.message.bytes=1048588"),
                          HasSubstr("max.message.bytes=1048588")));
  EXPECT_THAT(EvaluatePreflight(MakeJob(), findings).problems[0].what,
              HasSubstr("lower limits.reject_bytes"));
  Job job = MakeJob();
  job.reject_bytes = 5000;
  EXPECT_THAT(Fixes(findings, job), IsEmpty());
  const OutputLimits limits = EvaluatePreflight(job, findings).limits;
  EXPECT_EQ(limits.message_bytes.at("out"), 1048588u);
  EXPECT_EQ(limits.batch_bytes(), 5000u);
  EXPECT_EQ(OutputLimits().batch_bytes(), 1000000u);
}

TEST(PreflightTest, ATopicThatCannotBeAskedIsTakenForOneByDefault) {
  PreflightFindings findings = Good();
  findings.topics["out"].config.clear();
  findings.topics["bad"].config.clear();
  EXPECT_THAT(Warnings(findings), IsEmpty());
  const auto report = EvaluatePreflight(MakeJob(Texts(16)), findings);
  EXPECT_THAT(report.warnings, ElementsAre(HasSubstr("topic out")));
}

}  // namespace
}  // namespace tacho
