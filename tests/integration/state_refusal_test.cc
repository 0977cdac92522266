// State, changelog and offsets that do not belong together: a worker stops,
// says what to do, and has changed nothing.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "pipeline/base/file.h"
#include "pipeline/restore/changelog.h"
#include "tests/integration/worker_fixture.h"
#include "tests/support/outsider.h"

namespace tacho {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class StateRefusalTest : public WorkerOnKafka {
 protected:
  // A group with state, stopped in the middle of its windows.
  void PrepareStopped(const std::string& name, int partitions = 1) {
    Prepare(name, partitions);
    Produce(Telemetry(1000, 71));
    ASSERT_EQ(RunToEnd("host"), 0);
    committed_ = Committed();
    Produce(Telemetry(200, 72, 30));
  }

  std::string Log() const { return ChangelogTopic(name(), name(), 0); }
  std::string bootstrap() { return broker().bootstrap(); }

  // Starts and ends with `code`, and the group's offsets are as they were.
  std::string ExpectStops(int code, const std::string& host = "host") {
    const auto worker = Start(host);
    EXPECT_EQ(worker->WaitExit(seconds(60)), code) << worker->Output();
    EXPECT_EQ(Committed(), committed_);
    return worker->Output();
  }

  void EditJob(const std::string& from, const std::string& to) const {
    std::string text = *ReadFile(job_path());
    const size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos);
    WriteJob(text.replace(at, from.size(), to));
  }

  std::map<int32_t, Offset> committed_;
};

TEST_F(StateRefusalTest, PartitionsAddedToAKeyedInputWhileStopped) {
  PrepareStopped("added-stopped");
  ASSERT_TRUE(broker().AddPartitions(name(), 3).ok());

  for (const char* host : {"host", "empty-host"}) {
    const std::string output = ExpectStops(78, host);

    EXPECT_THAT(output, HasSubstr("has 1 partitions and its input 3"));
    EXPECT_THAT(output, HasSubstr("partitions_added: continue"));
  }
}

TEST_F(StateRefusalTest, AnInputThatWasMadeAnewAndIsShorter) {
  PrepareStopped("made-anew");
  ASSERT_TRUE(DeleteTopic(bootstrap(), name()).ok());
  CreateTopic(name(), 1);
  Produce(Telemetry(500, 73));

  const auto worker = Start("host");

  EXPECT_EQ(worker->WaitExit(seconds(60)), 65) << worker->Output();
  EXPECT_THAT(worker->Output(), HasSubstr("1000 lies after the log's end 500"));
  EXPECT_THAT(worker->Output(), HasSubstr("deleted and created again"));
  EXPECT_THAT(worker->Output(), HasSubstr("tacho offsets reset"));
}

// Nothing that librdkafka shows tells the new topic from the old one: topic
// ids are not in its metadata. The group goes on at its offset, and what the
// new log holds before it is not read. Here so that the limit is known.
TEST_F(StateRefusalTest, AnInputThatWasMadeAnewAndIsLongerIsNotNoticed) {
  PrepareStopped("made-longer");
  // A broker deletes a group's offsets with the topic; some tools restore them.
  ASSERT_TRUE(DeleteTopic(bootstrap(), name()).ok());
  CreateTopic(name(), 1);
  Produce(Telemetry(1500, 74));

  const auto worker = Start("host", {"--until-end"});

  EXPECT_EQ(worker->WaitExit(seconds(60)), 0) << worker->Output();
  EXPECT_EQ(worker->Events("stopped_lanes")[0]["messages"], 500);
}

TEST_F(StateRefusalTest, AStateDirectoryOfAnotherJob) {
  PrepareStopped("its-own");
  const std::string theirs = name();
  PrepareStopped("not-its-own");
  std::filesystem::remove_all(Path("host/" + name()));
  std::filesystem::rename(Path("host/" + theirs), Path("host/" + name()));
  const std::string lanes = Path("host/" + name() + "/worker-0/lanes/");
  std::filesystem::rename(lanes + theirs + "-0", lanes + name() + "-0");

  const std::string output = ExpectStops(78);

  EXPECT_THAT(output, HasSubstr("the state on disk belongs to group " + theirs +
                                ", input " + theirs + " (job " + theirs));
  EXPECT_THAT(output, HasSubstr("a state.dir of its own"));
}

TEST_F(StateRefusalTest, AWindowThatChangedItsSize) {
  PrepareStopped("other-window");
  EditJob("{tumbling: 1m}", "{tumbling: 2m}");

  // Also where the state is in the changelog only.
  for (const char* host : {"host", "empty-host"}) {
    const std::string output = ExpectStops(78, host);

    EXPECT_THAT(output, HasSubstr("table 'stats.0."));
    EXPECT_THAT(output, HasSubstr("was stored under another definition"));
    EXPECT_THAT(output, HasSubstr("wipe"));
  }
  EditJob("{tumbling: 2m}", "{tumbling: 1m}");
  ASSERT_EQ(RunToEnd("host"), 0);
  ExpectOutputs(/*closed=*/false);
}

TEST_F(StateRefusalTest, AStreamThatIsGone) {
  PrepareStopped("gone-stream");
  EditJob("  alerts:\n", "  alarms:\n");

  for (const char* host : {"host", "empty-host"}) {
    const std::string output = ExpectStops(78, host);

    EXPECT_THAT(output, HasSubstr("stream"));
    EXPECT_THAT(output, HasSubstr("wipe"));
  }
}

TEST_F(StateRefusalTest, AChangelogThatWasDeleted) {
  PrepareStopped("no-changelog");
  ASSERT_TRUE(DeleteTopic(bootstrap(), Log()).ok());

  for (const char* host : {"host", "empty-host"}) {
    const std::string output = ExpectStops(65, host);

    EXPECT_THAT(output, HasSubstr("it was deleted or emptied"));
    EXPECT_THAT(output, HasSubstr("--state wipe"));
  }
}

// Brokers refuse DeleteRecords on a compacted topic, so it takes a change of
// its policy, as does retention.
TEST_F(StateRefusalTest, AChangelogWhoseHeadWasDeleted) {
  PrepareStopped("headless");
  ASSERT_TRUE(
      AlterTopic(bootstrap(), Log(), {{"cleanup.policy", "delete"}}).ok());
  ASSERT_TRUE(broker().DeleteRecords(Log(), {{0, 1}}).ok());
  ASSERT_TRUE(
      AlterTopic(bootstrap(), Log(), {{"cleanup.policy", "compact"}}).ok());

  const std::string output = ExpectStops(65, "empty-host");

  EXPECT_THAT(output, HasSubstr("begins at offset 1"));
  EXPECT_THAT(output, HasSubstr("--state wipe"));
  // What is on this disk covers it; whoever runs here is told.
  const auto worker = Start("host", {"--until-end"});
  EXPECT_EQ(worker->WaitExit(seconds(60)), 0) << worker->Output();
  EXPECT_THAT(worker->Output(), HasSubstr("changelog_head_lost"));
  ExpectOutputs(/*closed=*/false);
}

TEST_F(StateRefusalTest, AChangelogThatWouldLoseState) {
  PrepareStopped("lossy-changelog");
  ASSERT_TRUE(
      AlterTopic(bootstrap(), Log(), {{"cleanup.policy", "delete"}}).ok());

  const std::string output = ExpectStops(78);

  EXPECT_THAT(output, HasSubstr("cleanup.policy is delete, not compact"));
  EXPECT_THAT(output,
              HasSubstr("kafka-configs.sh --bootstrap-server " + bootstrap()));
  EXPECT_THAT(output, HasSubstr("--entity-name " + Log() +
                                " --add-config cleanup.policy=compact"));
  // The command does repair it.
  ASSERT_TRUE(
      AlterTopic(bootstrap(), Log(), {{"cleanup.policy", "compact"}}).ok());
  ASSERT_EQ(RunToEnd("host"), 0);
  ExpectOutputs(/*closed=*/false);
}

TEST_F(StateRefusalTest, OffsetsThatAnotherToolHasMoved) {
  PrepareStopped("moved");
  for (const Offset offset : {Offset{0}, Offset{1100}}) {
    ASSERT_TRUE(Eventually([&] {
      return MoveOffset(bootstrap(), name(), {name(), 0}, offset).ok();
    }));
    committed_[0] = offset;

    const std::string output = ExpectStops(65);

    EXPECT_THAT(output, HasSubstr("offset is " + std::to_string(offset) +
                                  " and the state ends at 1000"));
    EXPECT_THAT(output, HasSubstr("another tool has moved the offset"));
    EXPECT_THAT(output, HasSubstr("tacho offsets reset"));
  }
}

TEST_F(StateRefusalTest, StateOfTheOtherGuarantee) {
  PrepareStopped("other-guarantee");
  EditJob("guarantee: exactly_once", "guarantee: at_least_once_local");

  const std::string output = ExpectStops(78);

  EXPECT_THAT(output, HasSubstr("guarantee: exactly_once"));
  EXPECT_THAT(output, HasSubstr("remove the state directory"));
}

}  // namespace
}  // namespace tacho
