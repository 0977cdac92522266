#include "pipeline/job/preflight.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "pipeline/commit/changelog.h"
#include "pipeline/job/job_parser.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
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
  EXPECT_TRUE(parsed.ok()) << FormatErrors("", parsed.errors);
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
  findings.topics["in"].config["message.timestamp.type"] = "CreateTime";
  findings.expiring = {"out"};
  findings.broker_config = {{"inter.broker.protocol.version", "2.4-IV1"}};
  findings.changelogs[kLog].topic.shape.replication = 1;
  findings.changelogs[kLog].topic.config["min.insync.replicas"] = "1";
  EXPECT_THAT(Warnings(findings),
              ElementsAre(HasSubstr("2.5 or later"), HasSubstr("CreateTime"),
                          HasSubstr("one replica"), HasSubstr("retention.ms")));
  EXPECT_THAT(Fixes(findings), IsEmpty());
  for (const char* version : {"2.5-IV0", "3.9", "4.0-IV3", "", "x"}) {
    findings = Good();
    findings.broker_config["inter.broker.protocol.version"] = version;
    EXPECT_THAT(Warnings(findings), IsEmpty()) << version;
  }
}

// ---- The changelog.

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

TEST(PreflightTest, StateThatTheChangelogCouldRefuse) {
  PreflightFindings findings = Good();
  std::string texts;
  for (int i = 0; i < 15; ++i) {
    texts += (i > 0 ? ", a" : "a") + std::to_string(i) + ": last(status)";
  }
  const Job fits = MakeJob(texts);
  EXPECT_EQ(MaxStateValueBytes(fits), 8192u + 256 + 15 * 65536);
  EXPECT_THAT(Fixes(findings, fits), IsEmpty());
  const Job too_large = MakeJob(texts + ", more: first(status)");
  EXPECT_THAT(Fixes(findings, too_large),
              ElementsAre(HasSubstr("max.message.bytes=1057024")));
  EXPECT_THAT(EvaluatePreflight(too_large, findings).problems[0].what,
              HasSubstr("limits.string_bytes"));
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

TEST(PreflightTest, OriginalsAreCutToWhatTheirTopicTakes) {
  PreflightFindings findings = Good();
  findings.topics["bad"].config["max.message.bytes"] = "5000";
  findings.topics["late"].config.clear();  // Not ours to see.
  const OutputLimits limits = EvaluatePreflight(MakeJob(), findings).limits;
  // Less framing, headers, and the names in them: job, in, all.
  EXPECT_EQ(limits.reject_bytes, 5000u - 1024 - 3 - 2 - 3);
  EXPECT_EQ(limits.late_bytes, kOriginalBytes);
  EXPECT_EQ(limits.message_bytes.at("out"), 1048588u);
  EXPECT_EQ(limits.batch_bytes(), 5000u);
  EXPECT_EQ(OutputLimits().batch_bytes(), kOriginalBytes);
}

TEST(PreflightTest, ATopicWithoutRoomForAnyOriginal) {
  PreflightFindings findings = Good();
  findings.topics["late"].config["max.message.bytes"] = "1032";
  EXPECT_THAT(Fixes(findings),
              ElementsAre(HasSubstr("max.message.bytes=1048588")));
  findings.topics["late"].config["max.message.bytes"] = "1033";
  EXPECT_EQ(EvaluatePreflight(MakeJob(), findings).limits.late_bytes, 1u);
}

}  // namespace
}  // namespace tacho
