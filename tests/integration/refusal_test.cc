// What a worker refuses to run with, the exit code and the remedy it names;
// and where a group starts.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include "tests/integration/worker_fixture.h"

namespace tacho {
namespace {

using std::chrono::seconds;
using ::testing::HasSubstr;

class RefusalTest : public WorkerOnKafka {
 protected:
  // Runs until it ends by itself; `output` gets all that it said.
  std::optional<int> Run(const Arguments& extra, std::string& output) {
    const auto worker = Start("host", extra);
    const std::optional<int> code = worker->WaitExit(seconds(60));
    output = worker->Output();
    return code;
  }
};

TEST_F(RefusalTest, AMissingInputTopicIsNamed) {
  Prepare("no-input", 1);
  std::string output;

  EXPECT_EQ(Run({"--set", "input.topics=[never.created]"}, output), 78)
      << output;

  EXPECT_THAT(output, HasSubstr("never.created"));
}

TEST_F(RefusalTest, AMissingOutputTopicComesWithTheCommandThatCreatesIt) {
  Prepare("no-output", 3);
  std::string output;

  EXPECT_EQ(Run({"--set", "late.topic=no.late"}, output), 78) << output;

  EXPECT_THAT(output, HasSubstr("kafka-topics.sh --bootstrap-server " +
                                broker().bootstrap() +
                                " --create --topic no.late --partitions 3"));
}

TEST_F(RefusalTest, AGroupNameThatOthersUseIsWarnedAbout) {
  Prepare("generic", 1);
  std::string output;

  EXPECT_EQ(Run({"--until-end", "--set", "group.id=test"}, output), 0)
      << output;

  EXPECT_THAT(output, HasSubstr("'test' is a name that others use too"));
}

TEST_F(RefusalTest, OwnedClientPropertiesAreRefused) {
  Prepare("owned", 1);
  std::string output;

  EXPECT_EQ(Run({"--set", "kafka.enable.auto.commit=true"}, output), 78)
      << output;

  EXPECT_THAT(output, HasSubstr("enable.auto.commit"));
}

TEST_F(RefusalTest, AnOffsetThatRetentionHasPassedStopsWithTheRemedy) {
  Prepare("retention", 1);
  Produce(Telemetry(1000, 31));
  ASSERT_EQ(RunToEnd("host"), 0);
  Produce(Telemetry(1000, 32));
  ASSERT_TRUE(broker().DeleteRecords(name(), {{0, 1500}}).ok());
  std::string output;

  EXPECT_EQ(Run({}, output), 65) << output;

  EXPECT_THAT(output, HasSubstr("retention/0"));
  EXPECT_THAT(output,
              HasSubstr("1000 lies before the log's first offset 1500"));
  EXPECT_THAT(output, HasSubstr("tacho offsets reset"));
  EXPECT_EQ(Committed()[0], 1000);
}

TEST_F(RefusalTest, OffsetResetNoneStopsAnEmptyGroup) {
  Prepare("reset-none", 2);
  Produce(Telemetry(100, 33));
  std::string output;

  EXPECT_EQ(Run({"--set", "group.offset_reset=none"}, output), 78) << output;

  EXPECT_THAT(output, HasSubstr("offset_reset"));
  EXPECT_THAT(Committed(), ::testing::IsEmpty());
}

TEST_F(RefusalTest, OffsetResetLatestSkipsWhatIsThereAndOnlyThat) {
  Prepare("reset-latest", 2);
  Produce(Telemetry(1000, 34));
  const std::vector<Offset> ends = *broker().EndOffsets(name());
  const auto worker = Start("host", {"--set", "group.offset_reset=latest"});
  // The resolved start is committed before anything is processed.
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();
  Produce(Telemetry(2000, 35, 120));
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();
  worker->Signal(SIGTERM);
  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();

  EXPECT_EQ(worker->Events("stopped_lanes")[0]["messages"], 2000);
  const std::vector<Log> input = Input();
  for (const std::string& topic : kOutputTopics) {
    const std::vector<Log> actual = Read(name() + "." + topic);
    for (size_t p = 0; p < input.size(); ++p) {
      const auto expected = ComputeExpected(input[p], name(), ends[p], false);
      std::string why;
      EXPECT_EQ(CountRewinds(actual[p], Of(expected, topic), why), 0) << why;
    }
  }
}

TEST_F(RefusalTest, OffsetResetEarliestStartsAtTheLogsStart) {
  Prepare("reset-earliest", 1);
  Produce(Telemetry(1000, 36));
  ASSERT_TRUE(broker().DeleteRecords(name(), {{0, 400}}).ok());

  ASSERT_EQ(RunToEnd("host", {"--close-at-end"}), 0);

  // The log that is left is all the model sees.
  ASSERT_EQ(Input()[0].size(), 600u);
  ExpectOutputs(/*closed=*/true);
}

TEST_F(RefusalTest, AnAbsentBrokerIsWaitedForAndThenGivenUp) {
  Prepare("no-broker", 1);
  std::string output;

  EXPECT_EQ(
      Run({"--bootstrap", "127.0.0.1:1", "--broker-timeout", "1"}, output), 69)
      << output;

  EXPECT_THAT(output, HasSubstr("kafka.bootstrap.servers=127.0.0.1:1"));
}

class PartitionsAddedTest : public WorkerOnKafka {
 protected:
  const Arguments refresh_ = {"--set",
                              "kafka.topic.metadata.refresh.interval.ms=1000"};
};

TEST_F(PartitionsAddedTest, StopEndsWithTheRemedy) {
  Prepare("grows-stop", 1);
  Produce(Telemetry(500, 41));
  const auto worker = Start("host", refresh_);
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();

  ASSERT_TRUE(broker().AddPartitions(name(), 3).ok());

  EXPECT_EQ(worker->WaitExit(seconds(60)), 78) << worker->Output();
  EXPECT_THAT(worker->Output(), HasSubstr("partitions_added: continue"));
}

TEST_F(PartitionsAddedTest, ContinueReadsTheNewOnesFromTheirBeginning) {
  Prepare("grows-on", 1);
  Produce(Telemetry(500, 42));
  Arguments arguments = refresh_;
  // Whatever the policy: a new partition holds nothing that was to be skipped.
  arguments.insert(arguments.end(), {"--set", "partitions_added=continue",
                                     "--set", "group.offset_reset=latest"});
  const auto worker = Start("host", arguments);
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();

  ASSERT_TRUE(broker().AddPartitions(name(), 3).ok());
  Produce(Telemetry(2000, 43, 120));

  ASSERT_TRUE(Eventually([&] { return AtEnd(); }, seconds(60)))
      << worker->Output();
  worker->Signal(SIGTERM);
  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  EXPECT_EQ(worker->Events("partitions_added").size(), 1u);
  EXPECT_EQ(worker->Events("stopped_lanes")[0]["messages"], 2000);
}

}  // namespace
}  // namespace tacho
