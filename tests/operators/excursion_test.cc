#include "operators/excursion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/test_lane.h"

namespace tacho {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr int64_t kSecond = 1000;

SignalSchema Schema() {
  return SignalSchema({{"speed", SignalType::kDouble, Dimension::kSpeed},
                       {"temp", SignalType::kDouble, Dimension::kTemperature},
                       {"moving", SignalType::kBool, Dimension::kNone}});
}

TestLane::Options Plain() {
  TestLane::Options options;
  options.settings.vehicle_idle_timeout = std::chrono::seconds(60);
  options.settings.vehicle_forget = std::chrono::seconds(600);
  return options;
}

TestOperator OverSpeed(std::vector<ParamValue> more = {}) {
  TestOperator step{"excursion",
                    {Param("when", "speed > 100"), Param("name", "over")}};
  for (ParamValue& param : more) step.params.push_back(std::move(param));
  return step;
}

TestRecord Speed(const std::string& vehicle, int64_t seconds, double speed) {
  return {vehicle, seconds * kSecond, {{"speed", speed}}};
}
TestRecord Null(const std::string& vehicle, int64_t seconds) {
  return {vehicle, seconds * kSecond, {{"speed", CellState::kNull}}};
}

// "event vehicle start end duration peak", times in s.
std::vector<std::string> Events(const TestLane& lane) {
  std::vector<std::string> events;
  for (const std::string& text : lane.Values(TestLane::kFirstSink)) {
    const json row = json::parse(text);
    const auto seconds = [](const json& ms) {
      return ms.is_null() ? std::string("-")
                          : std::to_string(ms.get<int64_t>() / kSecond);
    };
    events.push_back(row["event"].get<std::string>() + " " +
                     row["vehicle_id"].get<std::string>() + " " +
                     seconds(row["start"]) + " " + seconds(row["end"]) + " " +
                     seconds(row["duration_ms"]) + " " + row["peak"].dump());
  }
  return events;
}

TEST(ExcursionTest, OpensAtOnceAndClosesWhenTheConditionIsFalse) {
  TestLane lane(Schema(), {{OverSpeed()}}, Plain());

  lane.Run({Speed("a", 1, 90), Speed("a", 2, 110), Speed("a", 3, 130),
            Speed("a", 4, 120), Speed("a", 5, 100), Speed("a", 6, 90)});

  EXPECT_THAT(Events(lane),
              ElementsAre("open a 2 - 0 110", "close a 2 5 3 130"));
  EXPECT_EQ(lane.out.records()[0].cause, 1U);
  EXPECT_EQ(lane.out.records()[1].cause, 4U);
}

TEST(ExcursionTest, WritesEveryFieldInOrder) {
  TestLane lane(Schema(), {{OverSpeed()}}, Plain());

  lane.Run({Speed("a", 2, 110.5), Speed("a", 3, 5)});

  EXPECT_THAT(lane.Values(TestLane::kFirstSink),
              ElementsAre(R"({"vehicle_id":"a","name":"over","event":"open",)"
                          R"("id":"a/over/2000","start":2000,"end":null,)"
                          R"("duration_ms":0,"peak":110.5})",
                          R"({"vehicle_id":"a","name":"over","event":"close",)"
                          R"("id":"a/over/2000","start":2000,"end":3000,)"
                          R"("duration_ms":1000,"peak":110.5})"));
}

TEST(ExcursionTest, HoldsBackUntilItHasLastedLongEnough) {
  TestLane lane(Schema(),
                {{OverSpeed({Param("for", std::chrono::seconds(10))})}},
                Plain());

  lane.Run({Speed("a", 1, 110), Speed("a", 10, 140), Speed("a", 10, 90),
            Speed("a", 11, 110), Speed("a", 20, 120)});
  EXPECT_THAT(Events(lane), IsEmpty());
  lane.Run({Speed("a", 21, 115)});

  EXPECT_THAT(Events(lane), ElementsAre("open a 11 - 10 120"));
}

TEST(ExcursionTest, UnknownNeitherExtendsNorResetsNorClears) {
  TestLane lane(Schema(),
                {{OverSpeed({Param("for", std::chrono::seconds(10))})}},
                Plain());

  lane.Run({Speed("a", 1, 110), Null("a", 12)});
  EXPECT_THAT(Events(lane), IsEmpty());
  lane.Run({Speed("a", 13, 105), Null("a", 14), Speed("a", 15, 90)});

  EXPECT_THAT(Events(lane),
              ElementsAre("open a 1 - 12 110", "close a 1 15 14 110"));
}

TEST(ExcursionTest, ClearIsAConditionOfItsOwn) {
  TestLane lane(Schema(), {{OverSpeed({Param("clear", "speed < 80")})}},
                Plain());

  lane.Run({Speed("a", 1, 110), Speed("a", 2, 90), Speed("a", 3, 70),
            Speed("a", 4, 90)});

  EXPECT_THAT(Events(lane),
              ElementsAre("open a 1 - 0 110", "close a 1 3 2 110"));
}

TEST(ExcursionTest, OneSampleDoesNotCloseAndOpenAgain) {
  TestLane lane(Schema(), {{OverSpeed({Param("clear", "speed > 150")})}},
                Plain());

  lane.Run({Speed("a", 1, 110), Speed("a", 2, 160), Speed("a", 3, 120)});

  EXPECT_THAT(Events(lane), ElementsAre("open a 1 - 0 110", "close a 1 2 1 110",
                                        "open a 3 - 0 120"));
}

TEST(ExcursionTest, ThePeakOfALowConditionIsTheLeast) {
  TestOperator step{"excursion",
                    {Param("when", "speed < 10"), Param("name", "slow")}};
  TestLane lane(Schema(), {{step}}, Plain());

  lane.Run({Speed("a", 1, 9), Speed("a", 2, 3), Speed("a", 3, 5),
            Speed("a", 4, 50)});

  EXPECT_THAT(Events(lane), ElementsAre("open a 1 - 0 9", "close a 1 4 3 3"));
}

TEST(ExcursionTest, PeakMayBeAnotherQuantityAndMayBeUnknown) {
  TestLane lane(Schema(), {{OverSpeed({Param("peak", "temp + 1")})}}, Plain());
  TestRecord hot = Speed("a", 2, 110);
  hot.cells.emplace_back("temp", 90.0);

  lane.Run({Speed("a", 1, 110), hot, Speed("a", 3, 90)});

  EXPECT_THAT(Events(lane),
              ElementsAre("open a 1 - 0 null", "close a 1 3 2 91"));
}

TEST(ExcursionTest, WithoutAnOrderingComparisonThereIsNoPeak) {
  TestOperator step{"excursion",
                    {Param("when", "moving"), Param("name", "moving")}};
  TestLane lane(Schema(), {{step}}, Plain());

  lane.Run({{"a", 1000, {{"moving", true}}}, {"a", 2000, {{"moving", false}}}});

  EXPECT_THAT(Events(lane),
              ElementsAre("open a 1 - 0 null", "close a 1 2 1 null"));
}

TEST(ExcursionTest, ARecordOlderThanTheLastSampleIsLate) {
  TestLane lane(Schema(), {{OverSpeed()}}, Plain());

  lane.Run({Speed("a", 5, 90), Speed("a", 4, 110), Speed("a", 5, 120)});

  EXPECT_THAT(Events(lane), ElementsAre("open a 5 - 0 120"));
  ASSERT_THAT(lane.Values(TestLane::kLateSink), ElementsAre("1"));
  EXPECT_THAT(
      lane.Lines()[0],
      ::testing::AllOf(::testing::HasSubstr("tacho.last_sample=5000"),
                       ::testing::Not(::testing::HasSubstr("tacho.window"))));
}

TEST(ExcursionTest, WhatAFilterRefusedIsNoSample) {
  TestOperator filter{"filter", {Param("condition", "moving")}};
  TestLane lane(Schema(), {{filter, OverSpeed()}}, Plain());
  const auto record = [](int64_t seconds, double speed, bool moving) {
    TestRecord r = Speed("a", seconds, speed);
    r.cells.emplace_back("moving", moving);
    return r;
  };

  // 9 s is refused, so that 5 s is in order after 3 s; 2 s is not.
  lane.Run({record(3, 50, true), record(9, 500, false), record(5, 110, true),
            record(2, 120, true), record(8, 80, true), record(7, 130, true)});

  EXPECT_THAT(Events(lane),
              ElementsAre("open a 5 - 0 110", "close a 5 8 3 110"));
  EXPECT_THAT(lane.Values(TestLane::kLateSink), ElementsAre("3", "5"));
}

TEST(ExcursionTest, ASilentVehicleStaysOpenUntilItIsForgotten) {
  TestLane lane(Schema(), {{OverSpeed()}}, Plain());

  lane.Run({Speed("a", 1, 110), Speed("a", 5, 120), Speed("b", 604, 90)});
  EXPECT_THAT(Events(lane), ElementsAre("open a 1 - 0 110"));
  lane.Run({Speed("b", 605, 90)});

  EXPECT_THAT(Events(lane),
              ElementsAre("open a 1 - 0 110", "close a 1 5 4 120"));
}

TEST(ExcursionTest, AForgottenVehicleThatReturnsClosesFirst) {
  TestLane lane(Schema(), {{OverSpeed()}}, Plain());

  lane.Run({Speed("a", 1, 110), Speed("a", 700, 130)});

  EXPECT_THAT(Events(lane), ElementsAre("open a 1 - 0 110", "close a 1 1 0 110",
                                        "open a 700 - 0 130"));
}

TEST(ExcursionTest, TheEndOfTimeClosesInOrderOfDueTimeAndVehicle) {
  TestLane lane(Schema(), {{OverSpeed()}}, Plain());

  lane.Run({Speed("c", 1, 110), Speed("b", 2, 110), Speed("a", 2, 110),
            Speed("d", 1, 110)});
  lane.Advance(kEndOfTime);
  lane.Advance(kEndOfTime);

  EXPECT_THAT(
      Events(lane),
      ElementsAre("open c 1 - 0 110", "open b 2 - 0 110", "open a 2 - 0 110",
                  "open d 1 - 0 110", "close c 1 1 0 110", "close a 2 2 0 110",
                  "close b 2 2 0 110", "close d 1 1 0 110"));
}

TEST(ExcursionTest, TheEndOfInputForgetsNoVehicleAndNoTimer) {
  TestOperator filter{"filter", {Param("condition", "moving")}};
  const auto record = [](const char* vehicle, int64_t seconds, bool moving) {
    TestRecord r = Speed(vehicle, seconds, 110);
    r.cells.emplace_back("moving", moving);
    return r;
  };
  // a is forgotten at 606 s; until then its last sample is the one at 5 s.
  for (const int64_t now : {605, 606}) {
    TestLane lane(Schema(), {{filter, OverSpeed()}}, Plain());

    lane.Run(
        {record("a", 5, true), record("a", 6, false), record("b", 500, false)});
    lane.Advance(kEndOfTime);
    lane.Run({record("b", now, false), record("a", 4, true)});

    EXPECT_EQ(lane.metrics.late.value(), now == 605 ? 1U : 0U);
    EXPECT_EQ(Events(lane).size(), now == 605 ? 2U : 3U);
  }
}

TEST(ExcursionTest, ARestartKeepsAPendingHoldAndAnOpenOne) {
  TestLane lane(Schema(),
                {{OverSpeed({Param("for", std::chrono::seconds(10))})}},
                Plain());

  lane.Run({Speed("a", 1, 140)});
  lane.Restart();
  lane.Run({Speed("a", 11, 110)});
  lane.Restart();
  lane.Run({Speed("b", 611, 0)});

  EXPECT_THAT(Events(lane),
              ElementsAre("open a 1 - 10 140", "close a 1 11 10 140"));
}

TEST(ExcursionTest, AnIdleVehicleLeavesNoEntryBehind) {
  TestLane lane(Schema(), {{OverSpeed()}}, Plain());
  lane.Run({Speed("a", 1, 50), Speed("b", 1, 50)});
  const size_t only_clock = lane.state().used_bytes();

  lane.Run({Speed("a", 2, 110), Speed("a", 3, 50)});
  lane.Commit();
  lane.Commit();

  EXPECT_LE(lane.state().used_bytes(), only_clock + 512);
}

// The specification once more: a map of vehicles, looked through before each
// record; samples decided by plain C++ instead of expressions.
class BruteForce {
 public:
  BruteForce(int64_t hold, bool filtered) : hold_(hold), filtered_(filtered) {}

  struct Output {
    std::string kind;  // open, close, late
    std::string vehicle;
    int64_t start, end;
    json peak;
    size_t cause;
  };
  std::vector<Output> out;

  void Take(const TestRecord& record, size_t cause) {
    now_ = std::max(now_, record.event_ms);
    CloseForgotten(now_, cause);
    Vehicle& own = vehicles_[record.vehicle];
    own.last_seen = now_;
    std::optional<double> speed;
    bool moving = false;
    for (const auto& [name, cell] : record.cells) {
      if (std::holds_alternative<double>(cell)) speed = std::get<double>(cell);
      if (std::holds_alternative<bool>(cell)) moving = std::get<bool>(cell);
    }
    if (filtered_ && !moving) return;
    const int64_t time = record.event_ms;
    if (own.last && time < *own.last) {
      out.push_back({"late", record.vehicle, time, *own.last, {}, cause});
      return;
    }
    own.last = time;
    if (own.open && speed && *speed < 80) {
      out.push_back(
          {"close", record.vehicle, *own.start, time, own.peak, cause});
      own.open = false;
      own.start.reset();
      return;
    }
    if (!own.open && own.start && speed && *speed <= 100) {
      own.start.reset();
      return;
    }
    const bool hit = speed && *speed > 100;
    if (!own.start && hit) {
      own.start = time;
      own.peak = nullptr;
    }
    if (own.start && speed && (own.peak.is_null() || *speed > own.peak)) {
      own.peak = *speed;
    }
    if (hit && !own.open && time - *own.start >= hold_) {
      own.open = true;
      out.push_back(
          {"open", record.vehicle, *own.start, time, own.peak, cause});
    }
  }

  void CloseForgotten(int64_t now, size_t cause) {
    std::vector<std::pair<int64_t, std::string>> due;
    for (const auto& [name, state] : vehicles_) {
      if (state.last_seen + 600000 <= now) {
        due.emplace_back(state.last_seen + 600000, name);
      }
    }
    std::sort(due.begin(), due.end());
    for (const auto& [at, name] : due) {
      const Vehicle& state = vehicles_[name];
      if (state.open) {
        out.push_back(
            {"close", name, *state.start, *state.last, state.peak, cause});
      }
      vehicles_.erase(name);
    }
  }

 private:
  struct Vehicle {
    int64_t last_seen = 0;
    std::optional<int64_t> last;
    std::optional<int64_t> start;
    bool open = false;
    json peak;
  };
  int64_t hold_;
  bool filtered_;
  int64_t now_ = INT64_MIN;
  std::map<std::string, Vehicle> vehicles_;
};

std::vector<TestRecord> RandomInput(uint32_t seed, size_t count) {
  std::mt19937 random(seed);
  const auto below = [&](int n) {
    return std::uniform_int_distribution<int>(0, n - 1)(random);
  };
  static constexpr const char* kNames[] = {"a", "b", "ba", "c", "d"};
  std::map<std::string, double> speeds;
  std::vector<TestRecord> records;
  int64_t now = 1700000000000;
  int favourite = 0;
  for (size_t i = 0; i < count; ++i) {
    now += below(3000);
    if (below(150) == 0) now += 400000 + below(300000);
    if (below(50) == 0) favourite = below(5);
    const std::string name = kNames[below(4) > 0 ? favourite : below(5)];
    double& speed = speeds[name];
    speed = std::clamp(speed + below(61) - 28.0, 0.0, 180.0);
    TestRecord record{name, now, {}};
    if (below(8) == 0) record.event_ms -= below(20000);
    if (below(60) == 0) record.event_ms -= below(900000);
    if (below(10) == 0) {
      record.cells.emplace_back("speed", CellState::kInvalid);
    } else {
      record.cells.emplace_back("speed", speed);
    }
    record.cells.emplace_back("moving", below(3) > 0);
    records.push_back(std::move(record));
  }
  return records;
}

class ExcursionRandomTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  int64_t hold() const { return GetParam() % 3 * 4000; }
  bool filtered() const { return GetParam() % 2 == 0; }
  TestLane::Streams Streams() const {
    std::vector<TestOperator> stream;
    if (filtered()) {
      stream.push_back({"filter", {Param("condition", "moving == true")}});
    }
    stream.push_back(OverSpeed(
        {Param("for", Millis(hold())), Param("clear", "speed < 80 km/h")}));
    return {stream};
  }
};

TEST_P(ExcursionRandomTest, EqualsABruteForceMachine) {
  const auto records = RandomInput(GetParam(), 3000);
  TestLane lane(Schema(), Streams(), Plain());
  BruteForce expected(hold(), filtered());

  lane.Run(records);
  lane.Advance(kEndOfTime);
  for (size_t i = 0; i < records.size(); ++i) expected.Take(records[i], i);
  expected.CloseForgotten(INT64_MAX, records.size());

  ASSERT_EQ(lane.out.records().size(), expected.out.size());
  EXPECT_GT(lane.metrics.outputs.value(), 20U);
  EXPECT_GT(lane.metrics.late.value(), 20U);
  for (size_t i = 0; i < expected.out.size(); ++i) {
    const OutputRecord& actual = lane.out.records()[i];
    const BruteForce::Output& want = expected.out[i];
    ASSERT_EQ(actual.cause, want.cause) << i;
    ASSERT_EQ(lane.out.Key(actual), want.vehicle) << i;
    ASSERT_EQ(actual.sink == TestLane::kLateSink, want.kind == "late") << i;
    if (want.kind == "late") continue;
    const json row = json::parse(lane.out.Value(actual));
    ASSERT_EQ(row["event"], want.kind) << i;
    ASSERT_EQ(row["start"], want.start) << i;
    ASSERT_EQ(row["duration_ms"], want.end - want.start) << i;
    ASSERT_EQ(row["peak"], want.peak) << i;
    ASSERT_EQ(row["end"], want.kind == "open" ? json() : json(want.end)) << i;
  }
}

TEST_P(ExcursionRandomTest, OutputDoesNotDependOnBatchesOrRestarts) {
  const auto records = RandomInput(GetParam() + 100, 500);
  const auto run = [&](size_t batch_size, size_t memory, bool restart) {
    TestLane::Options options = Plain();
    options.batch_size = batch_size;
    options.memory_bytes = memory;
    options.commit_each_batch = memory == 0;
    options.restart_each_batch = restart;
    TestLane lane(Schema(), Streams(), options);
    lane.Run(records);
    lane.Advance(kEndOfTime);
    return lane.Lines();
  };

  const auto expected = run(1, size_t{64} << 20, false);
  for (const size_t batch_size : {size_t{1}, size_t{7}, size_t{1000}}) {
    EXPECT_EQ(run(batch_size, size_t{64} << 20, false), expected);
    EXPECT_EQ(run(batch_size, 0, false), expected) << "with eviction";
    EXPECT_EQ(run(batch_size, 0, true), expected) << "with restarts";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ExcursionRandomTest, ::testing::Range(1U, 7U));

}  // namespace
}  // namespace tacho
