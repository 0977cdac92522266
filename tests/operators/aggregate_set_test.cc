#include "operators/aggregate_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <vector>

#include "tests/support/every_aggregate.h"
#include "tests/support/test_lane.h"

namespace tacho {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SignalSchema Schema() {
  return SignalSchema({{"speed", SignalType::kDouble, Dimension::kSpeed},
                       {"odometer", SignalType::kDouble, Dimension::kDistance},
                       {"metres", SignalType::kInt64, Dimension::kDistance},
                       {"gear", SignalType::kInt64, Dimension::kNone},
                       {"on", SignalType::kBool, Dimension::kNone},
                       {"label", SignalType::kString, Dimension::kNone}});
}

// The aggregate named "r" of one window of one vehicle.
json Fold(const std::string& text, const std::vector<TestRecord>& records,
          bool restart = false) {
  TestLane::Options options;
  options.batch_size = 1;
  options.restart_each_batch = restart;
  TestLane lane(Schema(),
                {{{"window_aggregate",
                   {Param("window", {Param("tumbling", Millis(60000))}),
                    Param("aggregates", {Param("r", text)})}}}},
                options);
  lane.Run(records);
  lane.Advance(kEndOfTime);
  const auto values = lane.Values(TestLane::kFirstSink);
  EXPECT_EQ(values.size(), 1U);
  return json::parse(values.at(0))["r"];
}

TestRecord With(int64_t ms, const std::string& name, TestCell cell) {
  return {"v", ms, {{name, std::move(cell)}}};
}

std::vector<TestRecord> Unusable(const std::string& name) {
  return {With(1, name, CellState::kNull), With(2, name, CellState::kInvalid),
          With(3, name, CellState::kAbsent)};
}

TEST(AggregateTest, OverNoValidValueEverythingButCountsIsNull) {
  for (const AggregateFunction& function : AggregateFunctions()) {
    const SignalType type = SignalType::kDouble;
    const AggregateKind* const kind = function.of(&type);
    if (kind == nullptr) continue;
    const std::string text = std::string(function.name) + "(odometer)";
    EXPECT_EQ(Fold(text, Unusable("odometer")), kind->counts ? json(0) : json())
        << text;
  }
  EXPECT_EQ(Fold("count()", Unusable("odometer")), 3);
}

TEST(AggregateTest, OnlyValidValuesCount) {
  auto records = Unusable("speed");
  records.push_back(With(4, "speed", -2.5));
  records.push_back(With(5, "speed", 4.0));

  EXPECT_EQ(Fold("count(speed)", records), 2);
  EXPECT_EQ(Fold("sum(speed)", records), 1.5);
  EXPECT_EQ(Fold("mean(speed)", records), 0.75);
  EXPECT_EQ(Fold("min(speed)", records), -2.5);
  EXPECT_EQ(Fold("max(speed)", records), 4.0);
}

TEST(AggregateTest, ExtremesOfNegativesAreNotZero) {
  const std::vector<TestRecord> records = {With(1, "speed", -3.0),
                                           With(2, "speed", -7.0)};
  EXPECT_EQ(Fold("max(speed)", records), -3.0);
  EXPECT_EQ(Fold("min(speed)", {With(1, "speed", 5.0)}), 5.0);
}

TEST(AggregateTest, IntegersStayExactWhereTheyAreNotSummed) {
  const int64_t big = (int64_t{1} << 60) + 1;
  const std::vector<TestRecord> records = {With(1, "gear", big),
                                           With(2, "gear", big + 2)};
  EXPECT_EQ(Fold("min(gear)", records).get<int64_t>(), big);
  EXPECT_EQ(Fold("max(gear)", records).get<int64_t>(), big + 2);
  EXPECT_EQ(Fold("first(gear)", records).get<int64_t>(), big);
  EXPECT_EQ(Fold("mean(gear)",
                 {With(1, "gear", int64_t{1}), With(2, "gear", int64_t{2})}),
            1.5);
  EXPECT_EQ(Fold("sum(gear)",
                 {With(1, "gear", int64_t{1}), With(2, "gear", int64_t{2})}),
            3.0);
}

TEST(AggregateTest, FirstAndLastGoByEventTime) {
  const std::vector<TestRecord> records = {
      With(20, "speed", 2.0), With(30, "speed", 3.0), With(10, "speed", 1.0)};
  EXPECT_EQ(Fold("first(speed)", records), 1.0);
  EXPECT_EQ(Fold("last(speed)", records), 3.0);
}

TEST(AggregateTest, TiesGoToTheEarlierOffsetForFirstAndTheLaterForLast) {
  const std::vector<TestRecord> records = {
      With(10, "speed", 1.0), With(10, "speed", 2.0), With(10, "speed", 3.0)};
  EXPECT_EQ(Fold("first(speed)", records), 1.0);
  EXPECT_EQ(Fold("last(speed)", records), 3.0);
}

TEST(AggregateTest, FirstAndLastKeepTheTypeOfTheirSignal) {
  const std::vector<TestRecord> records = {
      {"v", 1, {{"on", true}, {"label", std::string("a long enough text")}}},
      {"v", 2, {{"on", false}, {"label", std::string("b")}}}};
  for (const bool restart : {false, true}) {
    EXPECT_EQ(Fold("first(on)", records, restart), true);
    EXPECT_EQ(Fold("last(on)", records, restart), false);
    EXPECT_EQ(Fold("first(label)", records, restart), "a long enough text");
    EXPECT_EQ(Fold("last(label)", records, restart), "b");
  }
}

TEST(AggregateTest, ALaterNullDoesNotReplaceTheLastValue) {
  EXPECT_EQ(Fold("last(speed)",
                 {With(1, "speed", 1.0), With(2, "speed", CellState::kNull)}),
            1.0);
}

TEST(AggregateTest, OneOdometerReadingIsADistanceOfZero) {
  EXPECT_EQ(Fold("distance(odometer)", {With(1, "odometer", 7.0)}), 0.0);
  EXPECT_EQ(Fold("distance(metres)", {With(1, "metres", int64_t{7}),
                                      With(2, "metres", int64_t{9})}),
            2.0);
}

TEST(AggregateTest, SumsAreCompensated) {
  const std::vector<TestRecord> records = {
      With(1, "speed", 1e16), With(2, "speed", 1.0), With(3, "speed", -1e16)};
  for (const bool restart : {false, true}) {
    EXPECT_EQ(Fold("sum(speed)", records, restart), 1.0);
  }
}

TEST(AggregateTest, TheMeanOfEqualValuesIsTheirValue) {
  std::vector<TestRecord> records;
  for (int64_t i = 0; i < 60; ++i) records.push_back(With(i, "speed", 144.6));
  for (const bool restart : {false, true}) {
    EXPECT_EQ(Fold("mean(speed)", records, restart), 144.6);
  }
}

TEST(AggregateTest, SumsOfIntegersAreExact) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  const auto sum = [](const std::vector<int64_t>& values) {
    std::vector<TestRecord> records;
    for (const int64_t value : values) {
      records.push_back(
          With(static_cast<int64_t>(records.size()), "gear", value));
    }
    return Fold("sum(gear)", records, true);
  };
  EXPECT_EQ(sum({9007199254740993}).dump(), "9007199254740993");
  EXPECT_EQ(sum({9007199254740992, 1}).dump(), "9007199254740993");
  EXPECT_EQ(sum({kMost}).dump(), std::to_string(kMost));
  EXPECT_EQ(sum({-kMost, -1}).dump(), "-9223372036854775808");
  // Past an int64 and back.
  EXPECT_EQ(sum({kMost, kMost, -kMost}).dump(), std::to_string(kMost));
}

TEST(AggregateTest, ASumPastItsTypeIsNullAndCounted) {
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  TestLane lane(
      Schema(),
      {{{"window_aggregate",
         {Param("window", {Param("tumbling", Millis(60000))}),
          Param("aggregates",
                {Param("whole", "sum(gear)"), Param("mean", "mean(gear)"),
                 Param("real", "sum(speed)"), Param("km", "distance(odometer)"),
                 Param("m", "distance(metres)")})}}}},
      {});
  lane.Run({{"v",
             1,
             {{"gear", kMost},
              {"speed", 1.7e308},
              {"odometer", 0.0},
              {"metres", -kMost}}},
            {"v",
             2,
             {{"gear", int64_t{1}},
              {"speed", 1.7e308},
              {"odometer", 1e300},
              {"metres", kMost}}}});
  lane.Advance(kEndOfTime);

  const json row = json::parse(lane.Values(TestLane::kFirstSink).at(0));
  EXPECT_EQ(row["whole"], json());
  EXPECT_EQ(row["mean"], 4611686018427387904.0);
  EXPECT_EQ(row["real"], json());
  EXPECT_EQ(row["km"], json());
  EXPECT_EQ(row["m"], json());
  EXPECT_EQ(lane.metrics.sum_overflow.value(), 4U);
}

TEST(AggregateTest, ADistanceIsADifferenceOfDecimals) {
  for (const bool restart : {false, true}) {
    EXPECT_EQ(
        Fold("distance(odometer)",
             {With(1, "odometer", 48211.123), With(2, "odometer", 48214.5),
              With(3, "odometer", 48217.648)},
             restart),
        6.525);
  }
  EXPECT_EQ(Fold("distance(metres)", {With(1, "metres", 9007199254740993),
                                      With(2, "metres", 9007199254740996)})
                .dump(),
            "3");
}

TEST(AggregateTest, MoreAggregatesThanFitInline) {
  std::vector<ParamValue> aggregates;
  for (int i = 0; i < static_cast<int>(kMaxAggregates); ++i) {
    const std::string name = "a" + std::to_string(i);
    aggregates.push_back(Param(name, i % 2 == 0 ? "mean(speed)" : "count()"));
  }
  TestLane::Options options;
  options.restart_each_batch = true;
  options.batch_size = 1;
  TestLane lane(Schema(),
                {{{"window_aggregate",
                   {Param("window", {Param("tumbling", Millis(60000))}),
                    Param("aggregates", aggregates)}}}},
                options);

  lane.Run({With(1, "speed", 1.0), With(2, "speed", 2.0)});
  lane.Advance(kEndOfTime);

  const json row = json::parse(lane.Values(TestLane::kFirstSink).at(0));
  EXPECT_EQ(row["a62"], 1.5);
  EXPECT_EQ(row["a63"], 2);
}

// A hopping window is its panes merged; a tumbling one of the same size is
// none. Values are sixteenths, so that no sum is rounded.
TEST(AggregateTest, MergedPanesSayWhatTheWholeWindowSays) {
  std::mt19937 random(3);
  const ParamValue tumbling = Param("tumbling", Millis(60000));
  const ParamValue hopping = Param(
      "hopping", {Param("size", Millis(60000)), Param("slide", Millis(10000))});
  for (int round = 0; round < 50; ++round) {
    std::vector<TestRecord> records;
    const size_t count = 1 + random() % 30;
    for (size_t i = 0; i < count; ++i) {
      TestRecord record{"v", static_cast<int64_t>(random() % 60000), {}};
      const auto cell = [&](const char* name, TestCell value) {
        if (random() % 4 == 0) value = CellState::kNull;
        record.cells.emplace_back(name, std::move(value));
      };
      cell("speed", static_cast<double>(random() % 4000) / 16 - 100);
      cell("odometer", 1000.25 + static_cast<double>(i));
      cell("metres", static_cast<int64_t>(i * 1000));
      cell("gear", static_cast<int64_t>(random() % 9) - 4);
      cell("on", random() % 2 == 0);
      cell("label", std::string(random() % 20, static_cast<char>('a' + i)));
      records.push_back(std::move(record));
    }
    std::vector<json> rows;
    for (const ParamValue& window : {tumbling, hopping}) {
      TestLane lane(Schema(),
                    {{{"window_aggregate",
                       {Param("window", {window}),
                        Param("allowed_lateness", Millis(60000)),
                        Param("aggregates", EveryAggregate(Schema()))}}}},
                    {});
      lane.Run(records);
      lane.Advance(kEndOfTime);
      for (const std::string& text : lane.Values(TestLane::kFirstSink)) {
        json row = json::parse(text);
        if (row["window_start"] == 0) rows.push_back(std::move(row));
      }
    }
    ASSERT_EQ(rows.size(), 2U);
    EXPECT_EQ(rows[0], rows[1]);
  }
}

TEST(AggregateTest, MergedSumsThatLeaveTheirTypeAreNull) {
  const int64_t most = std::numeric_limits<int64_t>::max();
  TestLane lane(
      Schema(),
      {{{"window_aggregate",
         {Param("window", {Param("hopping", {Param("size", Millis(20)),
                                             Param("slide", Millis(10))})}),
          Param("aggregates",
                {Param("sum", "sum(gear)"), Param("mean", "mean(gear)"),
                 Param("m", "distance(metres)")})}}}},
      {});
  const auto at = [](int64_t ms, int64_t gear, int64_t metres) {
    return TestRecord{"v", ms, {{"gear", gear}, {"metres", metres}}};
  };

  lane.Run({at(1, 0, 0), at(2, most, most), at(11, 0, 0), at(12, most, most)});
  lane.Advance(kEndOfTime);

  const auto rows = lane.Values(TestLane::kFirstSink);
  ASSERT_EQ(rows.size(), 3U);
  const json both = json::parse(rows[1]);
  EXPECT_EQ(both["sum"], json());
  EXPECT_EQ(both["mean"], 4611686018427387904.0);
  EXPECT_EQ(both["m"], json());
  EXPECT_EQ(json::parse(rows[0])["sum"], most);
  EXPECT_EQ(lane.metrics.sum_overflow.value(), 2U);
}

struct BadAggregate {
  const char* text;
  size_t offset;
  const char* message;
};

class AggregateErrorTest : public ::testing::TestWithParam<BadAggregate> {};

TEST_P(AggregateErrorTest, SaysWhereAndWhy) {
  ParamValue param = Param("r", GetParam().text);
  param.mark = 17;
  std::vector<ParamError> errors;

  EXPECT_FALSE(
      AggregateSet::Compile(Param("aggregates", {param}), Schema(), errors));

  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].mark, 17);
  EXPECT_EQ(errors[0].offset, GetParam().offset) << errors[0].message;
  EXPECT_THAT(errors[0].message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, AggregateErrorTest,
    ::testing::Values(
        BadAggregate{"", 0, "expected function(signal)"},
        BadAggregate{"speed", 5, "expected function(signal)"},
        BadAggregate{"mean(speed", 10, "expected function(signal)"},
        BadAggregate{"mean(speed) x", 12, "expected function(signal)"},
        BadAggregate{" meann(speed)", 1, "did you mean \"mean\"?"},
        BadAggregate{"median(speed)", 0, "unknown function \"median\""},
        BadAggregate{"mean( sped )", 6, "did you mean \"speed\"?"},
        BadAggregate{"mean()", 5, "mean needs a signal"},
        BadAggregate{"sum(label)", 4, "is string"},
        BadAggregate{"max(on)", 4, "is bool"},
        BadAggregate{"distance(speed)", 9, "needs an odometer"}));

TEST(AggregateTest, EveryErrorIsReportedAtOnce) {
  std::vector<ParamError> errors;
  AggregateSet::Compile(
      Param("aggregates",
            {Param("a", "x()"), Param("b", "count()"), Param("b", "count()"),
             Param("vehicle_id", "count()"), Param("c", "mean(zzz)")}),
      Schema(), errors);

  std::vector<std::string> messages;
  for (const ParamError& error : errors) messages.push_back(error.message);
  EXPECT_THAT(messages,
              ElementsAre(HasSubstr("unknown function"), HasSubstr("\"b\" is"),
                          HasSubstr("\"vehicle_id\" is taken"),
                          HasSubstr("unknown signal")));
}

TEST(AggregateTest, TheNumberOfAggregatesIsLimited) {
  std::vector<ParamValue> aggregates(kMaxAggregates + 1, Param("a", "count()"));
  std::vector<ParamError> errors;
  AggregateSet::Compile(Param("aggregates", aggregates), Schema(), errors);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_THAT(errors[0].message, HasSubstr("more than 64"));
}

TEST(AccumulatorsTest, WhatIsStoredReadsBack) {
  Accumulators state;
  state.Resize(14, 2);
  for (int64_t i = 0; i < 14; ++i) state.cells()[i].i = i * 1000003;
  state.valid = 0xF0F;
  state.texts = {"one", std::string(300, 'x')};
  std::vector<char> bytes;
  ByteWriter writer(bytes);
  state.Encode(writer);

  Accumulators back;
  ByteReader reader({bytes.data(), bytes.size()});
  ASSERT_TRUE(back.Decode(reader));
  EXPECT_TRUE(reader.done());
  EXPECT_EQ(back.size(), 14U);
  EXPECT_EQ(back.cells()[13].i, 13 * 1000003);
  EXPECT_EQ(back.valid, 0xF0FU);
  EXPECT_EQ(back.texts, state.texts);
}

TEST(AccumulatorsTest, TruncatedBytesDoNotDecode) {
  Accumulators state;
  state.Resize(3, 1);
  state.texts = {"text"};
  std::vector<char> bytes;
  ByteWriter writer(bytes);
  state.Encode(writer);
  for (size_t size = 0; size < bytes.size(); ++size) {
    Accumulators back;
    ByteReader reader({bytes.data(), size});
    EXPECT_FALSE(back.Decode(reader)) << size;
  }
  // A size that no memory would do for.
  const std::vector<char> absurd = {'\xff', '\xff', '\xff', '\xff', '\x0f', 0};
  Accumulators back;
  ByteReader reader({absurd.data(), absurd.size()});
  EXPECT_FALSE(back.Decode(reader));
}

}  // namespace
}  // namespace tacho
