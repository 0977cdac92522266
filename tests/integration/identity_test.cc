// Whose state is whose: groups, inputs, jobs and versions whose names are close
// to each other, or the same where they should not be.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "pipeline/kafka/kafka_admin.h"
#include "state/changelog_name.h"
#include "tests/integration/worker_fixture.h"
#include "tests/support/outsider.h"

namespace tacho {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::Not;

class IdentityTest : public WorkerOnKafka {
 protected:
  // The job reading NAME under another group.
  Arguments Of(const std::string& group, const std::string& job = "") {
    Arguments arguments = {"--set", "group.id=" + group};
    if (!job.empty()) {
      arguments.insert(arguments.end(), {"--set", "job=" + job});
    }
    return arguments;
  }

  // Writes a job for another input topic, with outputs of its own.
  void PrepareInput(const std::string& topic) { Prepare(topic, 1); }

  std::string ExpectRefused(const Arguments& extra, int code = 78) {
    const auto worker = Start("host", extra);
    EXPECT_EQ(worker->WaitExit(seconds(60)), code) << worker->Output();
    EXPECT_TRUE(worker->Events("partitions_assigned").empty());
    return worker->Output();
  }

  // What a worker of 0.1 left beside the group's offset.
  void PutMetadata(const std::string& text) {
    auto admin =
        KafkaAdmin::Open({{"bootstrap.servers", broker().bootstrap()}});
    ASSERT_TRUE(admin.ok());
    const Offset offset = Committed().at(0);
    ASSERT_TRUE(Eventually([&] {
      return (*admin)
          ->AlterGroupOffsets(name(), {{{name(), 0}, offset, text}},
                              Millis(5000))
          .ok();
    }));
  }

  int Offsets(const std::string& command, const Arguments& extra,
              std::string& output) {
    Arguments arguments = {"offsets", command, job_path()};
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    TachoProcess process(arguments,
                         Path("offsets-" + std::to_string(calls_++) + ".log"));
    const int code = process.WaitExit(seconds(60)).value_or(-1);
    output = process.Output();
    return code;
  }

 private:
  int calls_ = 0;
};

// F1: both would have used "id-eu-id-cars-raw-changelog-g0".
TEST_F(IdentityTest, GroupsAndInputsThatJoinToTheSameNameAreApart) {
  PrepareInput("id-cars-raw");
  Produce(Telemetry(500, 81));
  ASSERT_EQ(RunToEnd("host", Of("id-eu")), 0);
  ExpectOutputs(/*closed=*/false);

  PrepareInput("raw");
  Produce(Telemetry(800, 82));
  ASSERT_EQ(RunToEnd("host", Of("id-eu-id-cars")), 0);
  ExpectOutputs(/*closed=*/false);

  const std::string first = ChangelogTopic("id-eu", "id-cars-raw", 0);
  const std::string second = ChangelogTopic("id-eu-id-cars", "raw", 0);
  EXPECT_NE(first, second);
  EXPECT_TRUE(broker().EndOffsets(first).ok());
  EXPECT_TRUE(broker().EndOffsets(second).ok());
}

// Kafka takes these two for the same where it names metrics, and refuses to
// create the second of two topics that differ in them only.
TEST_F(IdentityTest, GroupsThatDifferInADotAndAnUnderscoreAreApart) {
  PrepareInput("dotted");
  Produce(Telemetry(200, 83));
  for (const char* const group : {"id.a", "id_a"}) {
    ASSERT_EQ(RunToEnd(group, Of(group)), 0) << group;
    EXPECT_TRUE(AtEnd(group));
    EXPECT_TRUE(broker().EndOffsets(ChangelogTopic(group, "dotted", 0)).ok());
  }
}

TEST_F(IdentityTest, AnyTextThatKafkaTakesCanBeAGroup) {
  PrepareInput("any-group");
  Produce(Telemetry(300, 84));
  const std::string group = "team/eu west:1 \xc3\xa9";
  ASSERT_EQ(RunToEnd("host", Of(group)), 0);
  Produce(Telemetry(300, 85, 100));
  // The same disk, and another one.
  ASSERT_EQ(RunToEnd("host", Of(group)), 0);
  EXPECT_TRUE(AtEnd(group));
  Produce(Telemetry(300, 86, 60));
  ASSERT_EQ(RunToEnd("other-host", Of(group)), 0);
  ExpectOutputs(/*closed=*/false);
  EXPECT_TRUE(std::filesystem::is_directory(
      Path("host/team%2Feu%20west%3A1%20%C3%A9/worker-0")));
}

TEST_F(IdentityTest, NamesThatAreTooLongForATopicAreHashed) {
  PrepareInput(std::string(235, 't'));
  Produce(Telemetry(200, 87));
  const std::string group = "fourteen-chars";
  const Arguments as = Of(group, "long-names");
  ASSERT_EQ(RunToEnd("host", as), 0);
  ASSERT_EQ(RunToEnd("other-host", as), 0);
  EXPECT_TRUE(AtEnd(group));
  EXPECT_TRUE(broker().EndOffsets(ChangelogTopic(group, name(), 0)).ok());
}

// F27: it is refused before it takes partitions from those that work.
TEST_F(IdentityTest, AGroupOfAnotherJobIsRefusedBeforeItIsJoined) {
  Prepare("healthy", 2);
  Produce(Telemetry(400, 88));
  const auto healthy = Start("host");
  ASSERT_TRUE(healthy->WaitFor("lane_ready", 2)) << healthy->Output();
  ASSERT_TRUE(Eventually([&] { return AtEnd(); }));

  for (int i = 0; i < 3; ++i) {
    const auto wrong = Start("wrong-host", {"--set", "job=intruder"});
    EXPECT_EQ(wrong->WaitExit(seconds(60)), 78) << wrong->Output();
    EXPECT_THAT(wrong->Output(),
                AllOf(HasSubstr("group healthy belongs to job healthy"),
                      HasSubstr("group.id of its own")));
  }

  Produce(Telemetry(400, 89, 100));
  EXPECT_TRUE(Eventually([&] { return AtEnd(); }));
  EXPECT_EQ(healthy->Events("partitions_assigned").size(), 1u);
  EXPECT_TRUE(healthy->Events("partitions_revoked").empty());
  healthy->Signal(SIGTERM);
  EXPECT_EQ(healthy->WaitExit(), 0) << healthy->Output();
  ExpectOutputs(/*closed=*/false);
}

// F16.
TEST_F(IdentityTest, ARenamedJobIsToldWhatItCanDo) {
  PrepareInput("renamed");
  Produce(Telemetry(300, 90));
  ASSERT_EQ(RunToEnd("host"), 0);
  const auto committed = Committed();
  Produce(Telemetry(100, 91, 100));

  const Arguments renamed = {"--set", "job=new-name"};
  const std::string known = ExpectRefused(renamed);
  for (const char* const part :
       {"group renamed belongs to job renamed", "this job is called new-name",
        "job: renamed", "group.id of its own", "--state wipe"}) {
    EXPECT_THAT(known, HasSubstr(part));
  }
  // Its offsets are gone: the state says it, here and in the changelog.
  ASSERT_TRUE(Eventually(
      [&] { return DeleteGroup(broker().bootstrap(), name()).ok(); }));
  for (const char* const host : {"host", "empty-host"}) {
    const auto worker = Start(host, renamed);
    EXPECT_EQ(worker->WaitExit(seconds(60)), 78) << worker->Output();
    EXPECT_THAT(worker->Output(),
                HasSubstr("group renamed has state of job renamed, and this "
                          "job is called new-name"));
  }
  // The first way out.
  ASSERT_EQ(RunToEnd("host"), 0);
  ExpectOutputs(/*closed=*/false);
  // The last.
  std::string output;
  EXPECT_EQ(
      Offsets("reset",
              {"--to", "latest", "--state", "keep", "--set", "job=new-name"},
              output),
      78);
  EXPECT_THAT(output, HasSubstr("belongs to job renamed"));
  ASSERT_EQ(
      Offsets("reset",
              {"--to", "latest", "--state", "wipe", "--set", "job=new-name"},
              output),
      0)
      << output;
  EXPECT_THAT(output, HasSubstr("drops state of job renamed"));
  EXPECT_EQ(RunToEnd("host", renamed), 0);
}

TEST_F(IdentityTest, AGroupOfTacho01IsRefusedUntilItsStateIsDropped) {
  PrepareInput("zero-one");
  Produce(Telemetry(300, 92));
  ASSERT_EQ(RunToEnd("host"), 0);
  PutMetadata("tacho1;g=0;e=5;w=0d5cd6a8-59b3-4c55-a1a3-5f9d8e8f6f01");
  const auto committed = Committed();

  const std::string refused = ExpectRefused({});
  EXPECT_THAT(
      refused,
      AllOf(HasSubstr("tacho 0.1 wrote the offsets of group zero-one"),
            HasSubstr("go on with tacho 0.1"), HasSubstr("--state wipe")));
  EXPECT_EQ(Committed(), committed);
  std::string output;
  EXPECT_EQ(Offsets("show", {}, output), 0);
  EXPECT_THAT(output, AllOf(HasSubstr("tacho 0.1, generation 0"),
                            HasSubstr("reset with --state wipe")));
  EXPECT_EQ(Offsets("reset", {"--to", "latest", "--state", "keep"}, output),
            78);
  ASSERT_EQ(Offsets("reset", {"--to", "latest", "--state", "wipe"}, output), 0)
      << output;
  EXPECT_EQ(RunToEnd("host"), 0);
}

// Its offsets are gone, and its changelog has a name of its own.
TEST_F(IdentityTest, AChangelogOfTacho01IsNotTakenForNothing) {
  PrepareInput("zero-one-log");
  Produce(Telemetry(300, 93));
  const std::string old = ChangelogTopicOf01(name(), name(), 0);
  ASSERT_NE(old, ChangelogTopic(name(), name(), 0));
  CreateTopic(old, 1, {{"cleanup.policy", "compact"}});
  KafkaRecord meta;
  meta.key = std::string(1, '\0');
  meta.value = std::string("\2whatever it said");
  ASSERT_TRUE(broker().Produce(old, {meta}).ok());

  const auto worker = Start("host");
  EXPECT_EQ(worker->WaitExit(seconds(60)), 78) << worker->Output();
  EXPECT_THAT(worker->Output(),
              HasSubstr("tacho 0.1 wrote the changelog " + old));

  std::string output;
  ASSERT_EQ(Offsets("reset", {"--to", "earliest", "--state", "wipe"}, output),
            0)
      << output;
  ASSERT_EQ(RunToEnd("host"), 0);
  ExpectOutputs(/*closed=*/false);
}

TEST_F(IdentityTest, AnOutputThatIsMadeLikeAChangelogIsRefused) {
  PrepareInput("marks");
  CreateTopic("marks.state", 1,
              {{"cleanup.policy", "compact"},
               {"segment.bytes", "134217728"},
               {"min.cleanable.dirty.ratio", "0.3"},
               {"max.compaction.lag.ms", "86400000"}});

  const std::string output =
      ExpectRefused({"--set", "streams.stats.output.topic=marks.state"});

  EXPECT_THAT(output, HasSubstr("topic marks.state has the settings with which "
                                "tacho makes changelogs"));
}

}  // namespace
}  // namespace tacho
