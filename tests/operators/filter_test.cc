#include "operators/filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/test_lane.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;

SignalSchema Schema() {
  return SignalSchema({{"speed", SignalType::kDouble, Dimension::kSpeed}});
}

TestOperator Condition(const std::string& text) {
  return {"filter", {Param("condition", text)}};
}
TestOperator Count() {
  return {"window_aggregate",
          {Param("window", {Param("tumbling", Millis(1000))}),
           Param("aggregates", {Param("n", "count()")})}};
}

const std::vector<TestRecord>& Records() {
  static const std::vector<TestRecord> records = {
      {"v", 0, {{"speed", 10.0}}},
      {"v", 0, {{"speed", CellState::kNull}}},
      {"v", 0, {{"speed", 30.0}}},
      {"v", 0, {}}};
  return records;
}

std::string Counted(TestLane& lane) {
  lane.Run(Records());
  lane.Advance(kEndOfTime);
  const auto values = lane.Values(TestLane::kFirstSink);
  if (values.empty()) return "";
  return values[0].substr(values[0].find("\"n\""));
}

TEST(FilterTest, TakesOnlyWhatIsTrue) {
  TestLane lane(Schema(), {{Condition("speed > 20"), Count()}}, {});
  EXPECT_EQ(Counted(lane), "\"n\":1}");
  EXPECT_EQ(lane.metrics.filtered.value(), 3U);
}

TEST(FilterTest, UnknownIsNotTakenByTheOppositeEither) {
  TestLane lane(Schema(), {{Condition("not speed > 20"), Count()}}, {});
  EXPECT_EQ(Counted(lane), "\"n\":1}");
  EXPECT_EQ(lane.metrics.filtered.value(), 3U);
}

TEST(FilterTest, ARowRefusedBeforeIsNotCountedAgain) {
  TestLane lane(Schema(),
                {{Condition("speed > 20"), Condition("speed < 5"), Count()}},
                {});
  EXPECT_EQ(Counted(lane), "");
  EXPECT_EQ(lane.metrics.filtered.value(), 4U);
}

TEST(FilterTest, EachStreamCountsItsOwn) {
  TestLane lane(
      Schema(),
      {{Condition("speed > 20"), Count()}, {Condition("speed > 5"), Count()}},
      {});
  EXPECT_EQ(Counted(lane), "\"n\":1}");
  EXPECT_EQ(lane.metrics.filtered.value(), 3U + 2U);
}

}  // namespace
}  // namespace tacho
