#include "operators/window_aggregate.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "tests/support/exact_mean.h"
#include "tests/support/test_lane.h"

namespace tacho {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr int64_t kSecond = 1000;

SignalSchema Schema() {
  return SignalSchema({{"speed", SignalType::kDouble, Dimension::kSpeed},
                       {"odometer", SignalType::kDouble, Dimension::kDistance},
                       {"gear", SignalType::kInt64, Dimension::kNone},
                       {"label", SignalType::kString, Dimension::kNone}});
}

StreamSettings Settings() {
  StreamSettings settings;
  settings.vehicle_idle_timeout = std::chrono::seconds(60);
  settings.vehicle_forget = std::chrono::seconds(600);
  return settings;
}

TestOperator Windows(Millis size, Millis lateness,
                     std::vector<ParamValue> aggregates) {
  return {"window_aggregate",
          {Param("window", {Param("tumbling", size)}),
           Param("allowed_lateness", lateness),
           Param("aggregates", std::move(aggregates))}};
}

TestOperator Hopping(Millis size, Millis slide, Millis lateness,
                     std::vector<ParamValue> aggregates) {
  return {
      "window_aggregate",
      {Param("window",
             {Param("hopping", {Param("size", size), Param("slide", slide)})}),
       Param("allowed_lateness", lateness),
       Param("aggregates", std::move(aggregates))}};
}

TestOperator Counts(Millis lateness = Millis(0)) {
  return Windows(std::chrono::seconds(10), lateness, {Param("n", "count()")});
}

TestRecord At(std::string vehicle, int64_t seconds) {
  return {std::move(vehicle), seconds * kSecond, {}};
}

TestLane::Options Plain() {
  TestLane::Options options;
  options.settings = Settings();
  return options;
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

// The specification, written down once more and slowly: every open window of
// every vehicle is looked at before each record, and a window keeps its
// records until it closes.
class BruteForce {
 public:
  BruteForce(Millis size, Millis slide, Millis lateness, bool filtered)
      : size_(size.count()),
        slide_(slide.count()),
        lateness_(lateness.count()),
        filtered_(filtered) {}

  struct Output {
    json value;
    bool late;
    size_t cause;
  };

  void Take(const TestRecord& record, size_t cause) {
    now_ = std::max(now_.value_or(record.event_ms), record.event_ms);
    Vehicle& own = vehicles_[record.vehicle];
    const bool fresh = !own.last_seen || *own.last_seen + 600000 <= *now_;
    if (fresh) own.time = *now_ - 600000;
    own.time = std::max(own.time, record.event_ms);
    CloseDue(record.vehicle, cause);
    if (fresh) {
      // What overlaps a window that is still open is remembered with it.
      if (slide_ == size_ || own.windows.empty()) own.closed_until.reset();
      own.readings.clear();
    }
    own.last_seen = *now_;
    const std::optional<double> speed = Number(record, "speed");
    if (filtered_ && !(speed && *speed > 20)) return;
    std::vector<int64_t> open;
    json missed;
    int64_t start = record.event_ms - record.event_ms % slide_;
    for (; start + size_ > record.event_ms; start -= slide_) {
      if (IsClosed(own, start + size_)) {
        if (missed.is_null()) missed["end"] = start + size_;
        missed["start"] = start;
      } else {
        open.push_back(start);
      }
    }
    if (!missed.is_null()) out.push_back({missed, true, cause});
    if (open.empty()) return;
    const std::optional<int64_t> step = Step(own, record);
    for (const int64_t window : open) {
      own.windows[window].push_back({record, step});
    }
  }

  void Finish(size_t cause) {
    now_ = int64_t{1} << 60;
    CloseDue("", cause);
  }

  std::vector<Output> out;

 private:
  struct Kept {
    TestRecord record;
    std::optional<int64_t> step;
  };
  struct Vehicle {
    std::optional<int64_t> last_seen;
    int64_t time = 0;
    std::optional<int64_t> closed_until;
    std::map<int64_t, std::vector<Kept>> windows;
    std::vector<std::pair<int64_t, int64_t>> readings;
  };

  bool IsClosed(const Vehicle& own, int64_t end) const {
    return end <= own.time - lateness_ ||
           (own.closed_until && end <= *own.closed_until);
  }

  static const TestCell* Cell(const TestRecord& record, const char* name) {
    for (const auto& [cell_name, cell] : record.cells) {
      if (cell_name == name) return &cell;
    }
    return nullptr;
  }
  static std::optional<double> Number(const TestRecord& record,
                                      const char* name) {
    const TestCell* const cell = Cell(record, name);
    if (cell == nullptr || !std::holds_alternative<double>(*cell)) return {};
    return std::get<double>(*cell);
  }

  // Distance from the newest reading before this one, if it is not older.
  static std::optional<int64_t> Step(Vehicle& own, const TestRecord& record) {
    const std::optional<double> sent = Number(record, "odometer");
    if (!sent) return {};
    const int64_t value = std::lround(*sent * 10);
    const std::pair<int64_t, int64_t>* newest = nullptr;
    for (const auto& reading : own.readings) {
      if (newest == nullptr || reading.first >= newest->first) {
        newest = &reading;
      }
    }
    int64_t step = 0;
    if (newest != nullptr && record.event_ms >= newest->first) {
      step = std::max<int64_t>(0, value - newest->second);
    }
    own.readings.emplace_back(record.event_ms, value);
    return step;
  }

  void CloseDue(const std::string& vehicle, size_t cause) {
    std::vector<std::tuple<int64_t, std::string, int64_t>> due;
    for (auto& [name, state] : vehicles_) {
      for (const auto& [start, records] : state.windows) {
        const int64_t end = start + size_;
        const bool silent = *now_ >= std::max(end, *state.last_seen) + 60000;
        const bool passed = name == vehicle && end <= state.time - lateness_;
        if (silent) {
          state.closed_until = std::max(state.closed_until.value_or(end), end);
        }
        if (silent || passed) due.emplace_back(end, name, start);
      }
    }
    std::sort(due.begin(), due.end());
    for (const auto& [end, name, start] : due) {
      auto& windows = vehicles_[name].windows;
      out.push_back({Aggregate(name, start, windows[start]), false, cause});
      windows.erase(start);
    }
  }

  json Aggregate(const std::string& name, int64_t start,
                 const std::vector<Kept>& kept) const {
    json row = {{"vehicle_id", name},
                {"window_start", start},
                {"window_end", start + size_},
                {"n", kept.size()}};
    ExactMean mean;
    int64_t driven = 0;  // In tenths.
    int64_t speeds = 0;
    for (const char* null : {"mean", "max", "low", "driven", "label", "gear"}) {
      row[null] = nullptr;
    }
    int64_t label_time = 0;
    int64_t gear_time = 0;
    for (const auto& [record, step] : kept) {
      if (const auto speed = Number(record, "speed")) {
        mean.Add(*speed);
        ++speeds;
        row["mean"] = mean.Value();
        if (row["max"].is_null() || *speed > row["max"]) row["max"] = *speed;
      }
      if (step) {
        driven += *step;
        row["driven"] = static_cast<double>(driven) / 10;
      }
      const TestCell* const gear = Cell(record, "gear");
      if (gear != nullptr && std::holds_alternative<int64_t>(*gear)) {
        const int64_t value = std::get<int64_t>(*gear);
        if (row["low"].is_null() || value < row["low"]) row["low"] = value;
        if (row["gear"].is_null() || record.event_ms < gear_time) {
          row["gear"] = value;
          gear_time = record.event_ms;
        }
      }
      const TestCell* const label = Cell(record, "label");
      if (label != nullptr && std::holds_alternative<std::string>(*label) &&
          (row["label"].is_null() || record.event_ms >= label_time)) {
        row["label"] = std::get<std::string>(*label);
        label_time = record.event_ms;
      }
    }
    row["speeds"] = speeds;
    return row;
  }

  int64_t size_;
  int64_t slide_;
  int64_t lateness_;
  bool filtered_;
  std::optional<int64_t> now_;
  std::map<std::string, Vehicle> vehicles_;
};

// Out-of-order records of a few vehicles, with gaps from short ones to ones
// after which a vehicle is forgotten.
std::vector<TestRecord> RandomInput(uint32_t seed, size_t count) {
  std::mt19937 random(seed);
  const auto below = [&](int n) {
    return std::uniform_int_distribution<int>(0, n - 1)(random);
  };
  const std::vector<std::string> names = {
      "a", "ab", "b", std::string("a\0", 2), "\xC3\xA9", "z"};
  const CellState unusable[] = {CellState::kNull, CellState::kInvalid,
                                CellState::kAbsent};
  std::vector<TestRecord> records;
  int64_t now = 1700000000000 + static_cast<int64_t>(seed) * 500;
  size_t favourite = 0;
  for (size_t i = 0; i < count; ++i) {
    now += below(4000);
    if (below(60) == 0) now += below(90000);
    if (below(400) == 0) now += 500000 + below(200000);
    // One vehicle sends most, so that others fall silent.
    if (below(40) == 0) favourite = static_cast<size_t>(below(6));
    TestRecord record;
    record.vehicle =
        names[below(3) > 0 ? favourite : static_cast<size_t>(below(6))];
    record.event_ms = now - below(3) * below(30000);
    if (below(50) == 0) record.event_ms = now - below(700000);
    record.event_ms -= record.event_ms % 500;  // So that times meet.
    const auto cell = [&](const char* name, TestCell value) {
      if (below(5) == 0) value = unusable[below(3)];
      record.cells.emplace_back(name, std::move(value));
    };
    cell("speed", below(1400) / 10.0);
    cell("odometer", static_cast<double>(i * 3 + below(4) * 7) / 10);
    cell("gear", int64_t{below(7) - 1});
    cell("label", std::string(1, static_cast<char>('a' + below(26))));
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<ParamValue> AllAggregates() {
  return {Param("n", "count()"),
          Param("speeds", "count(speed)"),
          Param("mean", "mean(speed)"),
          Param("max", "max(speed)"),
          Param("low", "min(gear)"),
          Param("gear", "first(gear)"),
          Param("driven", "distance(odometer)"),
          Param("label", "last(label)")};
}

TestLane::Streams RandomStream(Millis size, Millis slide, Millis lateness,
                               bool filtered) {
  std::vector<TestOperator> stream;
  if (filtered)
    stream.push_back({"filter", {Param("condition", "speed > 20")}});
  stream.push_back(slide == size
                       ? Windows(size, lateness, AllAggregates())
                       : Hopping(size, slide, lateness, AllAggregates()));
  return {stream};
}

class WindowAggregateRandomTest : public ::testing::TestWithParam<uint32_t> {
 protected:
  Millis lateness() const { return Millis((GetParam() % 3) * 7000); }
  bool filtered() const { return GetParam() % 2 == 1; }
  // Shorter and longer than the idle timeout.
  Millis size() const { return Millis(GetParam() % 4 < 2 ? 10000 : 150000); }
  // Tumbling, then hopping by a divisor of the size and by another time.
  Millis slide() const {
    if (GetParam() <= 8) return size();
    return GetParam() <= 16 ? size() / 5 : size() * 7 / 20;
  }
};

TEST_P(WindowAggregateRandomTest, EqualsABruteForceFold) {
  const auto records = RandomInput(GetParam(), 1500);
  TestLane lane(Schema(), RandomStream(size(), slide(), lateness(), filtered()),
                Plain());
  BruteForce expected(size(), slide(), lateness(), filtered());

  lane.Run(records);
  lane.Advance(kEndOfTime);
  for (size_t i = 0; i < records.size(); ++i) expected.Take(records[i], i);
  expected.Finish(records.size());

  ASSERT_EQ(lane.out.records().size(), expected.out.size());
  EXPECT_GT(lane.metrics.late.value(), 0U);
  const std::vector<std::string> lines = lane.Lines();
  for (size_t i = 0; i < expected.out.size(); ++i) {
    const OutputRecord& actual = lane.out.records()[i];
    ASSERT_EQ(actual.sink == TestLane::kLateSink, expected.out[i].late) << i;
    ASSERT_EQ(actual.cause, expected.out[i].cause) << i;
    if (expected.out[i].late) {
      const json& missed = expected.out[i].value;
      ASSERT_THAT(lines[i],
                  testing::HasSubstr(
                      "tacho.window_start=" + missed["start"].dump() +
                      " tacho.window_end=" + missed["end"].dump() + " "));
      continue;
    }
    ASSERT_EQ(json::parse(lane.out.Value(actual)), expected.out[i].value) << i;
  }
}

TEST_P(WindowAggregateRandomTest, OutputDoesNotDependOnBatchesOrRestarts) {
  const auto records = RandomInput(GetParam() + 100, 400);
  const TestLane::Streams streams = {
      RandomStream(size(), slide(), lateness(), filtered())[0],
      RandomStream(Millis(10000), Millis(10000), Millis(60000), false)[0]};
  const auto run = [&](size_t batch_size, size_t memory, bool restart) {
    TestLane::Options options = Plain();
    options.batch_size = batch_size;
    options.memory_bytes = memory;
    options.commit_each_batch = memory == 0;
    options.restart_each_batch = restart;
    TestLane lane(Schema(), streams, options);
    lane.Run(records);
    lane.Advance(kEndOfTime);
    // Streams run one after the other within a batch; the commit merges them
    // by cause, which is what is promised.
    auto lines = lane.Lines();
    std::map<std::string, std::vector<std::string>> by_stream;
    for (size_t i = 0; i < lines.size(); ++i) {
      const bool second = lines[i].find("tacho.stream=s1") != std::string::npos;
      by_stream[std::to_string(lane.out.records()[i].sink) +
                (second ? "+" : "")]
          .push_back(lines[i]);
    }
    return by_stream;
  };

  const auto expected = run(1, size_t{64} << 20, false);
  for (const size_t batch_size : {size_t{1}, size_t{7}, size_t{1000}}) {
    EXPECT_EQ(run(batch_size, size_t{64} << 20, false), expected);
    EXPECT_EQ(run(batch_size, 0, false), expected) << "with eviction";
    EXPECT_EQ(run(batch_size, 0, true), expected) << "with restarts";
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, WindowAggregateRandomTest,
                         ::testing::Range(1U, 25U));

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
