#include "pipeline/job/job_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/job/job_text.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(JobParserTest, ReadsEveryPartOfAJob) {
  const ParsedJob parsed = Parse(std::string(kSmallJob));
  ASSERT_TRUE(parsed.ok()) << FormatDiagnostics("j", parsed.errors);
  EXPECT_TRUE(parsed.errors.empty());
  const Job& job = parsed.job;
  EXPECT_EQ(job.name, "small");
  EXPECT_EQ(job.group.id, "small-job");
  EXPECT_EQ(job.topics, std::vector<std::string>{"in"});
  EXPECT_EQ(job.decode.vehicle_path, "/id");
  EXPECT_EQ(job.decode.event_time.path, "/ts");
  ASSERT_EQ(job.schema.size(), 2u);
  EXPECT_EQ(job.schema[0].name, "speed");
  EXPECT_EQ(job.schema[0].dimension, Dimension::kSpeed);
  EXPECT_EQ(job.schema[1].type, SignalType::kBool);
  ASSERT_EQ(job.streams.size(), 1u);
  EXPECT_EQ(job.streams[0].name, "fast");
  EXPECT_EQ(job.streams[0].output.topic, "out");
  ASSERT_EQ(job.streams[0].operators.size(), 1u);
  EXPECT_EQ(job.streams[0].operators[0].type->name, "excursion");
  EXPECT_EQ(job.streams[0].operators[0].params.Find("when")->text,
            "speed > 120");
  EXPECT_EQ(job.rejects.action, OnReject::kDrop);
}

TEST(JobParserTest, SaysEverythingThatIsWrongAtOnceInFileOrder) {
  const std::string text =
      "job: small\n"
      "kafka: {acks: 1}\n"
      "group: {id: g, sesion_timeout: 9s}\n"
      "input:\n"
      "  topics: []\n"
      "  vehicle: id\n"
      "  event_time: {path: /ts, format: epoch}\n"
      "streams:\n"
      "  fast:\n"
      "    operators: []\n"
      "rejects: drop\n"
      "late: fail\n";
  EXPECT_EQ(
      Complain(text),
      "j:2:1: error: missing 'kafka.bootstrap.servers'; write it, or give "
      "--bootstrap HOST:PORT\n"
      "j:2:9: error: kafka.acks: tacho owns this property; tacho sets it so "
      "that nothing is lost or reordered\n"
      "j:3:16: error: unknown key 'sesion_timeout' in 'group'; did you mean "
      "'session_timeout'?\n"
      "j:5:11: error: input.topics: the list is empty\n"
      "j:6:12: error: input.vehicle: 'id' is not a JSON pointer; write the "
      "path from the message's root, as in /speed_kmph or /position/lat\n"
      "j:7:35: error: input.event_time.format: 'epoch' is not one of: auto, "
      "iso8601, epoch_s, epoch_ms, epoch_us, epoch_ns\n"
      "j:9:3: error: missing 'streams.fast.output.topic'\n"
      "j:10:16: error: streams.fast.operators: the list is empty\n"
      "j:12:7: error: late: 'fail' is not an output; write {topic: NAME} or "
      "drop\n");
}

TEST(JobParserTest, NamesWhatIsMissingAtTheSectionThatLacksIt) {
  EXPECT_EQ(Complain("job: a\n"),
            "j:1:1: error: missing 'kafka'\n"
            "j:1:1: error: missing 'group.id'\n"
            "j:1:1: error: missing 'input.topics'\n"
            "j:1:1: error: missing 'input.vehicle'\n"
            "j:1:1: error: missing 'input.event_time.path'\n"
            "j:1:1: error: missing 'streams'\n"
            "j:1:1: error: missing 'rejects'; write rejects: {topic: NAME} or "
            "rejects: drop or rejects: fail\n"
            "j:1:1: error: missing 'late'; write late: {topic: NAME} or late: "
            "drop\n");
  EXPECT_EQ(Complain(SmallJob("event_time: {path: /ts}", "event_time: {}")),
            "j:7:3: error: missing 'input.event_time.path'\n");
  EXPECT_EQ(Complain(SmallJob("event_time: {path: /ts}", "event_time:")),
            "j:7:3: error: missing 'input.event_time.path'\n");
  EXPECT_EQ(Complain(SmallJob("rejects: drop", "rejects: {}")),
            "j:16:1: error: missing 'rejects.topic'\n");
  EXPECT_EQ(Complain(SmallJob("path: /speed, ", "")),
            "j:9:5: error: missing 'input.signals.speed.path'\n");
}

TEST(JobParserTest, AJobNeedsAStream) {
  const std::string text(kSmallJob);
  const size_t begin = text.find("streams:");
  const size_t end = text.find("rejects:");
  EXPECT_EQ(
      Complain(text.substr(0, begin) + "streams: {}\n" + text.substr(end)),
      "j:11:1: error: streams: give at least one\n");
}

TEST(JobParserTest, AMisspeltRequiredKeyIsOneError) {
  EXPECT_EQ(Complain(SmallJob("  topics:", "  topcs:")),
            "j:5:3: error: unknown key 'topcs' in 'input'; did you mean "
            "'topics'?\n");
}

TEST(JobParserTest, FindsAKeyThatIsInTheWrongSection) {
  EXPECT_EQ(Complain(SmallJob("late: drop", "late: drop\nmax_records: 7")),
            "j:18:1: error: unknown key 'max_records'; did you mean "
            "'batch.max_records'?\n");
  EXPECT_EQ(Complain(SmallJob("late: drop", "late: drop\nzzz: 7")),
            "j:18:1: error: unknown key 'zzz'\n");
}

TEST(JobParserTest, AValueOfTheWrongShapeIsNamed) {
  EXPECT_EQ(Complain(SmallJob("topics: [in]", "topics: in")),
            "j:5:11: error: input.topics: expected a list, as in "
            "[vehicle.telemetry], found a single value\n");
  EXPECT_EQ(Complain(SmallJob("{id: small-job}", "{id: [a]}")),
            "j:3:13: error: group.id: expected a single value, found a list\n");
  EXPECT_EQ(Complain(SmallJob("{id: small-job}", "{id: }")),
            "j:3:9: error: group.id: expected a single value, found nothing\n");
  EXPECT_EQ(Complain(SmallJob("{id: small-job}", "{id: ''}")),
            "j:3:13: error: group.id: the value is empty\n");
  EXPECT_EQ(Complain(SmallJob("{id: small-job}", "small-job")),
            "j:3:8: error: group: expected a map of keys, found a single "
            "value\n");
  EXPECT_EQ(Complain("- a\n"),
            "j:1:1: error: a job: expected a map of keys, found a list\n");
}

TEST(JobParserTest, AnEmptyFileIsNoJob) {
  EXPECT_EQ(Complain(""), "j:1:1: error: the file is empty\n");
  EXPECT_EQ(Complain("# nothing\n"), "j:1:1: error: the file is empty\n");
}

TEST(JobParserTest, ExactlyOnceIsTheDefault) {
  EXPECT_EQ(ParseJob(SmallJob("late: drop", "late: drop")).job.guarantee,
            Guarantee::kExactlyOnce);
  EXPECT_EQ(ParseJob(SmallJob("late: drop",
                              "late: drop\nguarantee: at_least_once_local"))
                .job.guarantee,
            Guarantee::kAtLeastOnceLocal);
  EXPECT_EQ(
      Complain(SmallJob("late: drop", "late: drop\nguarantee: at_least_once")),
      "j:18:12: error: guarantee: 'at_least_once' is no longer a choice: write "
      "at_least_once_local (each message is processed at least once; state is "
      "this host's and does not follow a partition that moves) or exactly_once "
      "(state follows its partition through a changelog topic)\n");
  EXPECT_EQ(
      Complain(SmallJob("late: drop", "late: drop\nguarantee: at_most_once")),
      "j:18:12: error: guarantee: 'at_most_once' is not one of: exactly_once, "
      "at_least_once_local\n");
}

TEST(JobParserTest, TheDigestIsOfWhatIsMadeOfTheInput) {
  const auto digest = [](const std::string& yaml,
                         const JobOverrides& overrides = {}) {
    return ParseJob(yaml, overrides).job.digest;
  };
  const std::string job = SmallJob("late: drop", "late: drop");
  EXPECT_NE(digest(job), 0u);
  EXPECT_EQ(digest("# A comment.\n" + job), digest(job));
  // Where and how fast it runs.
  for (const char* const more :
       {"state: {dir: ./elsewhere}", "commit: {interval: 1s}",
        "memory: {limit: 1GiB}", "guarantee: at_least_once_local"}) {
    EXPECT_EQ(digest(job + more + "\n"), digest(job)) << more;
  }
  JobOverrides group;
  group.set.emplace_back("group.id", "another");
  EXPECT_EQ(digest(job, group), digest(job));
  // What it makes.
  EXPECT_NE(digest(job + "vehicle_idle_timeout: 10m\n"), digest(job));
  JobOverrides output;
  output.set.emplace_back("late", "fail");
  EXPECT_NE(digest(job, output), digest(job));
}

TEST(JobParserTest, TopicsThatHoldStateOrAreKafkasOwnAreRefusedInPlace) {
  EXPECT_EQ(Complain(SmallJob("[in]", "[in, __consumer_offsets]")),
            "j:5:16: error: input.topics: '__consumer_offsets' is a topic of "
            "Kafka's own: names that begin with __ are not for a job's data\n");
  EXPECT_THAT(
      Complain(SmallJob("late: drop", "late: {topic: g-in-changelog-g0}")),
      HasSubstr("error: late.topic: 'g-in-changelog-g0' is named like a "
                "changelog of tacho"));
}

TEST(JobParserTest, TopicsAreListedByName) {
  EXPECT_EQ(Complain(SmallJob("[in]", "[in, ^vehicle.*, in]")),
            "j:5:16: error: input.topics: regular expressions are not "
            "supported; list the topics by name\n"
            "j:5:28: error: input.topics: 'in' is listed twice\n");
  EXPECT_THAT(Complain(SmallJob("[in]", "[a b]")),
              StartsWith("j:5:12: error: input.topics: 'a b' is not a topic"));
}

TEST(JobParserTest, SideOutputsAreATopicOrAWord) {
  const Job topics = Parse(SmallJob("rejects: drop\nlate: drop",
                                    "rejects: {topic: r}\nlate: {topic: l}"))
                         .job;
  EXPECT_EQ(topics.rejects.action, OnReject::kTopic);
  EXPECT_EQ(topics.rejects.topic, "r");
  EXPECT_EQ(topics.late.action, OnReject::kTopic);
  EXPECT_EQ(topics.late.topic, "l");
  EXPECT_EQ(
      Parse(SmallJob("rejects: drop", "rejects: fail")).job.rejects.action,
      OnReject::kFail);
  EXPECT_EQ(Complain(SmallJob("rejects: drop", "rejects: no")),
            "j:16:10: error: rejects: 'no' is not an output; write {topic: "
            "NAME} or drop or fail\n");
}

TEST(JobParserTest, TheVehicleCanBeTheKafkaKey) {
  const ParsedJob parsed = Parse(SmallJob("vehicle: /id", "vehicle: key"));
  ASSERT_TRUE(parsed.ok());
  EXPECT_EQ(parsed.job.decode.vehicle_path, "");
}

TEST(JobParserTest, EventTimeIsReadWhole) {
  const ParsedJob parsed = Parse(
      SmallJob("{path: /ts}",
               "{path: /a~1b, format: epoch_us, min: 2020-02-29, max: "
               "2030-01-01T00:00:01Z, max_future_skew: 1m, clock_guard: off}"));
  const EventTimeSource& time = parsed.job.decode.event_time;
  EXPECT_EQ(time.path, "/a~1b");
  EXPECT_EQ(time.format, EventTimeFormat::kEpochMicros);
  EXPECT_EQ(ToEpochMillis(time.min), 1582934400000);
  EXPECT_EQ(ToEpochMillis(time.max), 1893456001000);
  EXPECT_EQ(time.max_future_skew, std::chrono::minutes(1));
  EXPECT_FALSE(time.clock_guard);
  EXPECT_EQ(FormatDiagnostics("j", parsed.errors), "");
}

TEST(JobParserTest, EveryChoiceMeansItsOwnEnumerator) {
  const auto format = [](const char* name) {
    return Parse(SmallJob("{path: /ts}",
                          "{path: /t, format: " + std::string(name) + "}"))
        .job.decode.event_time.format;
  };
  EXPECT_EQ(format("auto"), EventTimeFormat::kAuto);
  EXPECT_EQ(format("iso8601"), EventTimeFormat::kIso8601);
  EXPECT_EQ(format("epoch_s"), EventTimeFormat::kEpochSeconds);
  EXPECT_EQ(format("epoch_ms"), EventTimeFormat::kEpochMillis);
  EXPECT_EQ(format("epoch_us"), EventTimeFormat::kEpochMicros);
  EXPECT_EQ(format("epoch_ns"), EventTimeFormat::kEpochNanos);
  const auto reset = [](const char* name) {
    return Parse(SmallJob("small-job}", "small-job, offset_reset: " +
                                            std::string(name) + "}"))
        .job.group.offset_reset;
  };
  EXPECT_EQ(reset("earliest"), OffsetReset::kEarliest);
  EXPECT_EQ(reset("latest"), OffsetReset::kLatest);
  EXPECT_EQ(reset("none"), OffsetReset::kNone);
  const auto output = [](const char* keys) {
    return Parse(SmallJob("{topic: out}",
                          "{topic: out, " + std::string(keys) + "}"))
        .job.streams[0]
        .output;
  };
  EXPECT_EQ(output("time_format: iso8601").time_format, TimeFormat::kIso8601);
  EXPECT_EQ(output("time_format: epoch_ms").time_format,
            TimeFormat::kEpochMillis);
  EXPECT_EQ(output("timestamp: log_time").timestamp, OutputTimestamp::kLogTime);
  EXPECT_EQ(output("timestamp: now").timestamp, OutputTimestamp::kNow);
  EXPECT_EQ(
      Parse(SmallJob("late: drop", "late: drop\npartitions_added: continue"))
          .job.partitions_added,
      PartitionsAdded::kContinue);
}

TEST(JobParserTest, AWarningIsNotAnError) {
  const ParsedJob parsed = Parse(SmallJob("small-job", "test"));
  EXPECT_TRUE(parsed.ok());
  EXPECT_EQ(FormatDiagnostics("j", parsed.errors),
            "j:3:13: warning: group.id: 'test' is a name that others use too; "
            "jobs that share a group take each other's partitions\n");
}

TEST(JobParserTest, StreamNamesAreIdentifiers) {
  EXPECT_EQ(Complain(SmallJob("  fast:", "  a.b:")),
            "j:12:3: error: 'a.b' is not a name: 1 to 64 of A-Z a-z 0-9 _, not "
            "a digit first\n");
  EXPECT_THAT(Complain(SmallJob("    speed:", "    not:")),
              HasSubstr("j:9:5: error: 'not' is a word of the expression"));
}

}  // namespace
}  // namespace tacho
