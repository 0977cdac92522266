#include "pipeline/lane/operator_chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_lane.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

SignalSchema Schema() {
  return SignalSchema({{"speed", SignalType::kDouble, Dimension::kSpeed},
                       {"odometer", SignalType::kDouble, Dimension::kNone}});
}

TestOperator Window(int64_t size_ms, const std::string& aggregate,
                    int64_t lateness_ms = 0) {
  return {"window_aggregate",
          {Param("window", {Param("tumbling", Millis(size_ms))}),
           Param("allowed_lateness", Millis(lateness_ms)),
           Param("aggregates", {Param("n", aggregate)})}};
}
TestOperator Excursion(const std::string& when, const std::string& name) {
  return {"excursion", {Param("when", when), Param("name", name)}};
}

std::vector<std::pair<std::string, uint64_t>> Tables(
    TestLane::Streams streams) {
  TestLane lane(Schema(), std::move(streams), {});
  return lane.state().Fingerprints();
}
uint64_t FirstWindowTable(const TestOperator& window) {
  for (const auto& [name, fingerprint] : Tables({{window}})) {
    if (name == "s0.0.windows") return fingerprint;
  }
  ADD_FAILURE() << "no such table";
  return 0;
}

TEST(OperatorChainTest, TablesAreNamedAfterStreamAndPlace) {
  const TestOperator filter{"filter", {Param("condition", "speed > 1")}};
  std::vector<std::string> names;
  for (const auto& [name, fingerprint] :
       Tables({{filter, Window(1000, "distance(odometer)")},
               {Excursion("speed > 1", "x")}})) {
    names.push_back(name);
  }
  EXPECT_THAT(names, ElementsAre("clock", "s0.1.closed", "s0.1.odometers",
                                 "s0.1.windows", "s1.0.excursions"));
}

TEST(OperatorChainTest, FingerprintsFollowTheMeaningOfTheState) {
  const uint64_t base = FirstWindowTable(Window(1000, "mean(speed)"));
  EXPECT_EQ(FirstWindowTable(Window(1000, "mean(speed)", 500)), base);
  EXPECT_NE(FirstWindowTable(Window(2000, "mean(speed)")), base);
  EXPECT_NE(FirstWindowTable(Window(1000, "max(speed)")), base);
  EXPECT_NE(FirstWindowTable(Window(1000, "mean(odometer)")), base);
}

TEST(OperatorChainTest, AThresholdMayBeTunedButNotThePeak) {
  const auto base = Tables({{Excursion("speed > 100", "x")}});
  EXPECT_EQ(Tables({{Excursion("speed > 120", "y")}}), base);
  EXPECT_NE(Tables({{Excursion("speed < 100", "x")}}), base);
  EXPECT_NE(Tables({{Excursion("odometer > 100", "x")}}), base);
}

TEST(OperatorChainTest, FingerprintsAreTheSameOnEveryMachine) {
  // Stored in markers: a change here makes old state unreadable.
  EXPECT_EQ(FirstWindowTable(Window(1000, "mean(speed)")),
            uint64_t{7338063677215575742U});
}

TEST(OperatorChainTest, EveryStreamSeesEveryRecord) {
  TestLane lane(Schema(),
                {{Window(1000, "count()")}, {Window(1000, "count()")}}, {});
  lane.Run({{"v", 1, {}}});
  lane.Advance(kEndOfTime);
  EXPECT_EQ(lane.Values(TestLane::kFirstSink),
            lane.Values(TestLane::kFirstSink + 1));
  EXPECT_EQ(lane.metrics.outputs.value(), 2U);
}

}  // namespace
}  // namespace tacho
