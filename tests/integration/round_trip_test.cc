// What goes in comes out, and every number is worked out again.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/integration/worker_fixture.h"

namespace tacho {
namespace {

using RoundTripTest = WorkerUnderBoth;
INSTANTIATE_UNDER_BOTH(RoundTripTest);

TEST_P(RoundTripTest, EveryOutputIsAsTheModelSaysAndEveryMessageIsCounted) {
  Prepare("round-trip", 4);
  Produce(Telemetry(8000, 1));

  const auto worker = Start("host", {"--until-end", "--close-at-end"});

  ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
  ExpectOutputs(/*closed=*/true);
  EXPECT_TRUE(AtEnd());
  size_t records = 0;
  size_t outputs = 0;
  size_t rejects = 0;
  size_t late = 0;
  for (const Log& log : Input()) {
    const ExpectedOutputs e = ComputeExpected(log, name(), 0, true);
    records += e.records;
    outputs += e.stats.size() + e.alerts.size();
    rejects += e.rejects.size();
    late += e.late.size();
    // The input is worth the test.
    EXPECT_GT(e.stats.size(), 100u);
    EXPECT_GT(e.rejects.size(), 5u);
    EXPECT_GT(e.late.size(), 20u);
  }
  EXPECT_EQ(records + rejects, 8000u);
  const auto totals = worker->Events("stopped_lanes");
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals[0]["messages"], 8000);
  EXPECT_EQ(totals[0]["records"], records);
  EXPECT_EQ(totals[0]["rejects"], rejects);
  EXPECT_EQ(totals[0]["late"], late);
  EXPECT_EQ(totals[0]["skipped"], 0);
}

// The second run goes on where the first one stopped, with its windows.
TEST_P(RoundTripTest, RunsThatFollowEachOtherGiveWhatOneGives) {
  Prepare("in-pieces", 2);
  const std::vector<KafkaRecord> all = Telemetry(4000, 2);
  for (int part = 0; part < 4; ++part) {
    Produce({all.begin() + part * 1000, all.begin() + (part + 1) * 1000});
    ASSERT_EQ(RunToEnd("host"), 0);
    EXPECT_TRUE(AtEnd());
  }

  ExpectOutputs(/*closed=*/false);
}

TEST_P(RoundTripTest, TwoGroupsReadTheSameTopicEachOnItsOwn) {
  Prepare("two-groups", 2);
  Produce(Telemetry(2000, 3));
  ASSERT_EQ(RunToEnd("host", {"--close-at-end"}), 0);
  const std::string second = "second-" + name();
  for (const std::string& topic : kOutputTopics) {
    CreateTopic(second + "." + topic, 2);
  }
  const auto committed = Committed();

  ASSERT_EQ(
      RunToEnd("host",
               {"--close-at-end", "--set", "group.id=" + second, "--set",
                "rejects.topic=" + second + ".rejects", "--set",
                "late.topic=" + second + ".late", "--set",
                "streams.stats.output.topic=" + second + ".stats", "--set",
                "streams.alerts.output.topic=" + second + ".alerts"}),
      0);

  ExpectOutputs(/*closed=*/true);
  ExpectOutputs(/*closed=*/true, 0, second);
  EXPECT_TRUE(AtEnd(second));
  EXPECT_EQ(Committed(), committed);
}

}  // namespace
}  // namespace tacho
