#include "operators/window_aggregate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <ctime>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/operators/window_operators.h"
#include "tests/support/test_lane.h"

namespace tacho {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1000;

TestOperator Counts(Millis lateness = Millis(0)) {
  return Windows(std::chrono::seconds(10), lateness, {Param("n", "count()")});
}

TestRecord At(std::string vehicle, int64_t seconds) {
  return {std::move(vehicle), seconds * kSecond, {}};
}

std::string Row(const std::string& vehicle, int64_t start_s, int count) {
  return R"({"vehicle_id":")" + vehicle + R"(","window_start":)" +
         std::to_string(start_s * kSecond) + R"(,"window_end":)" +
         std::to_string((start_s + 10) * kSecond) + R"(,"n":)" +
         std::to_string(count) + "}";
}

// 9,999 windows of the vehicle are open all the time, and one closes at each
// record: looking at every one of them would be 4 * 10^8 looks.
TEST(WindowAggregateTest, ManyOpenWindowsCostLittleMoreThanOne) {
  constexpr int64_t kRecords = 40000;
  const auto seconds = [](Millis lateness, int64_t sign) {
    TestLane::Options options = Plain();
    options.commit_each_batch = true;
    TestLane lane(Schema(),
                  {{Windows(Millis(1), lateness, {Param("n", "count()")})}},
                  options);
    std::vector<TestRecord> records;
    // Descending within the lateness: nothing closes, every window is new.
    const int64_t count = sign > 0 ? kRecords : lateness.count();
    for (int64_t i = 0; i < count; ++i) {
      records.push_back({"a", 1700000000000 + sign * i, {}});
    }
    const std::clock_t start = std::clock();
    lane.Run(records);
    EXPECT_EQ(lane.metrics.late.value(), 0U);
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  const double one_open = seconds(Millis(0), 1);
  EXPECT_LT(seconds(Millis(9999), 1), 10 * one_open + 0.5);
  EXPECT_LT(seconds(Millis(9999), -1), 10 * one_open + 0.5);
}

TEST(WindowAggregateTest, TheNumberOfOpenWindowsIsLimited) {
  const auto errors = [](Millis size, Millis lateness) {
    OperatorParams params;
    params.values = Windows(size, lateness, {Param("n", "count()")}).params;
    std::vector<ParamError> found;
    const auto made = FindOperatorType("window_aggregate")
                          ->make(params, Schema(), Settings(), found);
    EXPECT_EQ(made == nullptr, !found.empty());
    return found.empty() ? std::string() : found[0].message;
  };
  EXPECT_EQ(errors(Millis(1), Millis(9999)), "");
  EXPECT_THAT(errors(Millis(1), Millis(10000)),
              testing::HasSubstr("windows of 1 ms and 10000 ms of lateness are "
                                 "10001 open windows a vehicle, and at most "
                                 "10000 are allowed"));
}

TEST(WindowAggregateTest, ClosesWhenTheWatermarkReachesTheEnd) {
  TestLane lane(Schema(), {{Counts(std::chrono::seconds(5))}}, Plain());

  lane.Run({At("a", 1), At("a", 9), At("a", 14)});
  EXPECT_THAT(lane.Values(TestLane::kFirstSink), IsEmpty());
  lane.Run({At("a", 15)});

  EXPECT_THAT(lane.Values(TestLane::kFirstSink), ElementsAre(Row("a", 0, 2)));
  EXPECT_EQ(lane.out.records()[0].cause, 3U);
}

TEST(WindowAggregateTest, AnotherVehiclesRecordsDoNotCloseAWindow) {
  TestLane lane(Schema(), {{Counts()}}, Plain());

  lane.Run({At("a", 1), At("b", 69)});

  EXPECT_THAT(lane.Values(TestLane::kFirstSink), IsEmpty());
}

TEST(WindowAggregateTest, PartitionTimeClosesASilentVehicleAtTheTimeout) {
  TestLane lane(Schema(), {{Counts()}}, Plain());

  lane.Run({At("a", 1), At("b", 69)});
  EXPECT_THAT(lane.Values(TestLane::kFirstSink), IsEmpty());
  lane.Run({At("b", 70)});

  EXPECT_THAT(lane.Values(TestLane::kFirstSink),
              ElementsAre(Row("a", 0, 1), Row("b", 60, 1)));
}

TEST(WindowAggregateTest, SilenceIsMeasuredFromLastSeenNotFromTheWindow) {
  TestLane lane(Schema(), {{Counts(std::chrono::seconds(60))}}, Plain());

  // a's stored record comes when the partition is at 50 s.
  lane.Run(
      {At("b", 40), At("a", 1), At("b", 50), At("a", 2), {"b", 109999, {}}});
  EXPECT_THAT(lane.Values(TestLane::kFirstSink), IsEmpty());
  lane.Run({{"b", 110000, {}}});

  EXPECT_THAT(lane.Values(TestLane::kFirstSink),
              ElementsAre(Row("a", 0, 2), Row("b", 40, 1)));
}

TEST(WindowAggregateTest, NothingIsLateAfterAShortSilenceWithStoredRecords) {
  TestLane lane(Schema(), {{Counts()}}, Plain());

  lane.Run({At("a", 1), At("b", 60), At("a", 2), At("a", 12), At("a", 22)});

  EXPECT_EQ(lane.metrics.late.value(), 0U);
  EXPECT_THAT(lane.Values(TestLane::kFirstSink),
              ElementsAre(Row("a", 0, 2), Row("a", 10, 1)));
}

TEST(WindowAggregateTest, AfterALongSilenceOnlyClosedWindowsAreLate) {
  TestLane lane(Schema(), {{Counts()}}, Plain());

  lane.Run({At("a", 1), At("b", 100), At("a", 2), At("a", 12), At("a", 22)});

  EXPECT_THAT(lane.Values(TestLane::kFirstSink),
              ElementsAre(Row("a", 0, 1), Row("a", 10, 1)));
  EXPECT_THAT(lane.Values(TestLane::kLateSink), ElementsAre("2"));
}

TEST(WindowAggregateTest, AClosedWindowStaysClosedUntilTheWatermarkPassesIt) {
  TestLane lane(Schema(), {{Counts(std::chrono::seconds(5))}}, Plain());

  lane.Run({At("a", 1), At("b", 100), At("a", 12), At("a", 3), At("a", 16),
            At("a", 4)});

  EXPECT_THAT(lane.Values(TestLane::kLateSink), ElementsAre("3", "5"));
}

TEST(WindowAggregateTest, LateRecordsCarryTheWindowTheyMissed) {
  TestLane lane(Schema(), {{Counts()}}, Plain());

  lane.Run({At("a", 25), At("a", 12)});

  EXPECT_THAT(lane.Lines(),
              ElementsAre("1 1 12001 a 1 tacho.stream=s0 "
                          "tacho.window_start=10000 tacho.window_end=20000 "
                          "tacho.topic=input tacho.partition=3 tacho.offset=1 "
                          "tacho.timestamp=12001 tacho.job=test"));
  EXPECT_EQ(lane.metrics.late.value(), 1U);
}

TEST(WindowAggregateTest, WindowsThatCloseTogetherAreOrderedByEndThenVehicle) {
  TestLane lane(Schema(), {{Counts(std::chrono::seconds(30))}}, Plain());

  lane.Run({At("b", 15), At("b", 2), At("a", 16), At("c", 1), At("z", 300)});

  EXPECT_THAT(lane.Values(TestLane::kFirstSink),
              ElementsAre(Row("b", 0, 1), Row("c", 0, 1), Row("a", 10, 1),
                          Row("b", 10, 1)));
}

TEST(WindowAggregateTest, RefusedRowsMoveTimeButAreNotCounted) {
  TestOperator filter{"filter", {Param("condition", "speed > 10")}};
  TestLane lane(Schema(), {{filter, Counts()}}, Plain());
  TestRecord fast = At("a", 1);
  fast.cells = {{"speed", 20.0}};

  lane.Run({fast, At("a", 2), At("a", 10)});

  EXPECT_THAT(lane.Values(TestLane::kFirstSink), ElementsAre(Row("a", 0, 1)));
  EXPECT_EQ(lane.metrics.filtered.value(), 2U);
}

TEST(WindowAggregateTest, EndOfTimeClosesEverythingAndKeepsItClosed) {
  TestLane lane(Schema(), {{Counts(std::chrono::seconds(30))}}, Plain());

  lane.Run({At("b", 12), At("a", 1)});
  lane.Advance(kEndOfTime);
  lane.Run({At("a", 3), At("a", 11)});
  lane.Advance(kEndOfTime);

  EXPECT_THAT(lane.Values(TestLane::kFirstSink),
              ElementsAre(Row("a", 0, 1), Row("b", 10, 1), Row("a", 10, 1)));
  EXPECT_THAT(lane.Values(TestLane::kLateSink), ElementsAre("2"));
}

TEST(WindowAggregateTest, AnAdvanceClosesSilentVehiclesWithoutACause) {
  TestLane lane(Schema(), {{Counts()}}, Plain());

  lane.Run({At("a", 1)});
  lane.Advance(FromEpochMillis(69 * kSecond));
  EXPECT_THAT(lane.Lines(), IsEmpty());
  lane.Advance(FromEpochMillis(70 * kSecond));

  ASSERT_THAT(lane.Lines(), SizeIs(1));
  EXPECT_EQ(lane.Lines()[0], "2 1 -1 a " + Row("a", 0, 1));
}

TEST(WindowAggregateTest, ARestartKeepsTimersOfSilentVehicles) {
  TestLane lane(Schema(), {{Counts()}}, Plain());

  lane.Run({At("a", 1), At("b", 50)});
  lane.Restart();
  lane.Run({At("b", 69), At("b", 70)});

  EXPECT_THAT(lane.Values(TestLane::kFirstSink),
              ElementsAre(Row("b", 50, 1), Row("a", 0, 1), Row("b", 60, 1)));
}

// A window that is longer than the timeout is still open when its vehicle is
// found silent; a stored record then opens an earlier one.
TEST(WindowAggregateTest, AnEarlierWindowOpenedLaterIsClosedInTime) {
  for (const bool restart : {false, true}) {
    const TestOperator window =
        Windows(std::chrono::seconds(150), std::chrono::seconds(30),
                {Param("n", "count()")});
    TestLane lane(Schema(), {{window}}, Plain());

    lane.Run({At("a", 160), At("b", 220)});
    if (restart) lane.Restart();
    lane.Run({At("a", 140), At("b", 279)});
    EXPECT_THAT(lane.Values(TestLane::kFirstSink), IsEmpty());
    lane.Run({At("b", 280)});

    EXPECT_THAT(lane.Values(TestLane::kFirstSink), SizeIs(1));
  }
}

TEST(WindowAggregateTest, AForgottenVehicleStartsAnew) {
  TestLane lane(Schema(), {{Counts()}}, Plain());

  // a's window closes by partition time; 600 s after a was last seen, what
  // was closed is forgotten and the floor is partition time - 600 s.
  lane.Run({At("a", 1), At("b", 601), At("a", 5), At("a", 2)});

  EXPECT_EQ(lane.metrics.late.value(), 0U);
  EXPECT_THAT(lane.Values(TestLane::kFirstSink), ElementsAre(Row("a", 0, 1)));
}

TEST(WindowAggregateTest, JustBeforeItIsForgottenAVehicleIsRemembered) {
  TestLane lane(Schema(), {{Counts()}}, Plain());

  lane.Run({At("a", 1), At("b", 600), At("a", 5)});

  EXPECT_THAT(lane.Values(TestLane::kLateSink), ElementsAre("2"));
}

TEST(WindowAggregateTest, WindowsBefore1970AreAlignedToo) {
  TestLane lane(Schema(), {{Counts()}}, Plain());

  lane.Run({At("a", -1), At("a", 0)});

  EXPECT_THAT(lane.Values(TestLane::kFirstSink), ElementsAre(Row("a", -10, 1)));
}

TEST(WindowAggregateTest, DistanceBelongsToTheWindowOfTheLaterRecord) {
  TestLane lane(Schema(),
                {{Windows(std::chrono::seconds(10), Millis(10000),
                          {Param("d", "distance(odometer)")})}},
                Plain());
  const auto at = [](int64_t seconds, double km) {
    TestRecord record = At("a", seconds);
    record.cells = {{"odometer", km}};
    return record;
  };

  // 5 s comes out of order: its step is part of the one to 12 s already. The
  // odometer then goes back, which is no distance, and on from there.
  lane.Run({at(1, 100.0), at(12, 103.0), at(5, 101.0), at(14, 50.0),
            at(16, 51.0), at(16, 51.5), At("a", 21)});
  lane.Advance(kEndOfTime);

  std::vector<json> distances;
  for (const std::string& row : lane.Values(TestLane::kFirstSink)) {
    distances.push_back(json::parse(row)["d"]);
  }
  EXPECT_THAT(distances, ElementsAre(json(0.0), json(4.5), json(nullptr)));
}

TestOperator HoppingCounts() {
  return Hopping(std::chrono::seconds(30), std::chrono::seconds(10), Millis(0),
                 {Param("n", "count()")});
}

std::string Long(const std::string& vehicle, int64_t start_s, int count) {
  return R"({"vehicle_id":")" + vehicle + R"(","window_start":)" +
         std::to_string(start_s * kSecond) + R"(,"window_end":)" +
         std::to_string((start_s + 30) * kSecond) + R"(,"n":)" +
         std::to_string(count) + "}";
}

TEST(WindowAggregateTest, ARecordCountsInEveryWindowThatHoldsIt) {
  TestLane lane(Schema(), {{HoppingCounts()}}, Plain());

  lane.Run({At("a", 5), At("a", 12), At("a", 39)});
  EXPECT_THAT(
      lane.Values(TestLane::kFirstSink),
      ElementsAre(Long("a", -20, 1), Long("a", -10, 2), Long("a", 0, 2)));
  lane.Advance(kEndOfTime);

  EXPECT_THAT(
      lane.Values(TestLane::kFirstSink),
      ElementsAre(Long("a", -20, 1), Long("a", -10, 2), Long("a", 0, 2),
                  Long("a", 10, 2), Long("a", 20, 1), Long("a", 30, 1)));
}

TEST(WindowAggregateTest, WindowsThatHoldNoRecordAreNotEmitted) {
  TestLane lane(Schema(), {{HoppingCounts()}}, Plain());

  lane.Run({At("a", 5), At("a", 1005)});
  lane.Advance(kEndOfTime);

  EXPECT_THAT(
      lane.Values(TestLane::kFirstSink),
      ElementsAre(Long("a", -20, 1), Long("a", -10, 1), Long("a", 0, 1),
                  Long("a", 980, 1), Long("a", 990, 1), Long("a", 1000, 1)));
}

// It is late for two of its windows, and counts in the third.
TEST(WindowAggregateTest, ARecordThatMissesSomeWindowsSaysWhich) {
  TestLane lane(Schema(), {{HoppingCounts()}}, Plain());

  lane.Run({At("a", 25), At("a", 5)});
  EXPECT_THAT(lane.Lines().back(),
              testing::HasSubstr("tacho.window_start=-20000 "
                                 "tacho.window_end=20000 "));
  EXPECT_EQ(lane.metrics.late.value(), 1U);
  lane.Run({At("a", 30)});

  EXPECT_THAT(lane.Values(TestLane::kFirstSink), ElementsAre(Long("a", 0, 2)));
}

// A window that partition time has closed stays closed: its panes live on in
// the next ones, whoever restarts in between or forgets the vehicle.
TEST(WindowAggregateTest, PanesThatOutliveAWindowDoNotReopenIt) {
  for (const bool restart : {false, true}) {
    TestLane lane(Schema(),
                  {{Hopping(std::chrono::hours(1), std::chrono::minutes(10),
                            Millis(0), {Param("n", "count()")})}},
                  Plain());
    const auto ends = [&] {
      std::vector<int64_t> out;
      for (const std::string& row : lane.Values(TestLane::kFirstSink)) {
        const json value = json::parse(row);
        if (value["vehicle_id"] != "a") continue;
        out.push_back(value["window_end"].get<int64_t>() / 60000);
        EXPECT_EQ(value["n"], 1);
      }
      return out;
    };

    lane.Run({At("a", 1), At("b", 11 * 60 + 1)});
    EXPECT_THAT(ends(), ElementsAre(10));
    if (restart) lane.Restart();
    // Forgotten after 600 s, it comes back with a record of the same time.
    lane.Run({At("b", 21 * 60 + 1), At("a", 2)});
    EXPECT_THAT(ends(), ElementsAre(10, 20));
    if (restart) lane.Restart();
    lane.Run({At("b", 31 * 60 + 1)});

    EXPECT_THAT(lane.Values(TestLane::kLateSink), SizeIs(1));
  }
}

TEST(WindowAggregateTest, EvictionHappensInTheTestThatForcesIt) {
  TestLane::Options options = Plain();
  options.memory_bytes = 0;
  options.commit_each_batch = true;
  options.batch_size = 7;
  TestLane lane(Schema(), {{Counts()}}, options);

  lane.Run({At("a", 1), At("b", 2)});

  EXPECT_EQ(lane.state().resident_vehicles(), 0U);
}

}  // namespace
}  // namespace tacho
