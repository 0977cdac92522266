// Streams that read other streams.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/lane/stream_set.h"
#include "tests/support/test_lane.h"

namespace tacho {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr SinkId kS0 = TestLane::kFirstSink;
constexpr SinkId kS1 = TestLane::kFirstSink + 1;

SignalSchema Schema() {
  return SignalSchema({{"speed", SignalType::kDouble, Dimension::kSpeed},
                       {"label", SignalType::kString, Dimension::kNone}});
}

TestOperator Windows(int64_t size_ms, int64_t lateness_ms,
                     std::vector<ParamValue> aggregates) {
  return {"window_aggregate",
          {Param("window", {Param("tumbling", Millis(size_ms))}),
           Param("allowed_lateness", Millis(lateness_ms)),
           Param("aggregates", std::move(aggregates))}};
}
TestOperator Counts(int64_t size_ms, int64_t lateness_ms = 0) {
  return Windows(size_ms, lateness_ms,
                 {Param("n", "count()"), Param("text", "last(label)"),
                  Param("top", "max(speed)")});
}
// Over what Counts makes.
TestOperator Sums(int64_t size_ms, int64_t lateness_ms = 0) {
  return Windows(size_ms, lateness_ms,
                 {Param("n", "sum(n)"), Param("text", "last(text)"),
                  Param("top", "max(top)")});
}

TestLane::Options Options() {
  TestLane::Options options;
  options.settings.vehicle_idle_timeout = Millis(20000);
  options.settings.vehicle_forget = Millis(100000);
  return options;
}

TEST(DerivedStreamTest, AWindowOfWindowsClosesWithTheLastOfThem) {
  TestLane lane(Schema(), {{Counts(1000, 300)}, {Sums(2000)}}, Options(),
                {{1, 0}});
  lane.Run({{"a", 100, {{"speed", 5.0}}},
            {"a", 1900, {{"speed", 7.0}, {"label", std::string("x")}}},
            {"a", 900, {}},   // Late in s0.
            {"a", 1500, {}},  // Within the lateness.
            {"a", 2299, {}}});
  EXPECT_THAT(lane.Values(kS0), SizeIs(1));
  EXPECT_THAT(lane.Values(kS1), IsEmpty());
  EXPECT_EQ(lane.metrics.late.value(), 1U);

  lane.Run({{"a", 2300, {}}});
  EXPECT_THAT(lane.Values(kS0), SizeIs(2));
  EXPECT_THAT(lane.Values(kS1),
              ElementsAre(R"({"vehicle_id":"a","window_start":0,)"
                          R"("window_end":2000,"n":3,"text":"x","top":7})"));
  // Of what falls due together, what is read comes first; one record has
  // caused both.
  const auto& records = lane.out.records();
  ASSERT_GE(records.size(), 2U);
  EXPECT_EQ(records[records.size() - 2].sink, kS0);
  EXPECT_EQ(records.back().sink, kS1);
  EXPECT_EQ(records[records.size() - 2].cause, 5U);
  EXPECT_EQ(records.back().cause, 5U);
  EXPECT_EQ(ToEpochMillis(records.back().log_time), 2301);
}

TEST(DerivedStreamTest, AtTheEndEverythingIsClosedInOrder) {
  TestLane lane(Schema(), {{Counts(1000)}, {Sums(2000)}, {Sums(4000)}},
                Options(), {{1, 0}, {2, 1}});
  lane.Run({{"a", 100, {}}, {"b", 3100, {}}});
  lane.Advance(kEndOfTime);
  EXPECT_THAT(lane.Values(kS0), SizeIs(2));
  EXPECT_THAT(lane.Values(kS1), SizeIs(2));
  EXPECT_THAT(
      lane.Values(kS1 + 1),
      ElementsAre(R"({"vehicle_id":"a","window_start":0,)"
                  R"("window_end":4000,"n":1,"text":null,"top":null})",
                  R"({"vehicle_id":"b","window_start":0,)"
                  R"("window_end":4000,"n":1,"text":null,"top":null})"));
  EXPECT_EQ(lane.metrics.late.value(), 0U);
}

TEST(DerivedStreamTest, AnIdleAdvanceMovesTheReaderToo) {
  TestLane lane(Schema(), {{Counts(1000, 500)}, {Sums(2000)}}, Options(),
                {{1, 0}});
  lane.Run({{"a", 100, {}}});
  // The window is silent at 1,000 + 20,000.
  lane.Advance(FromEpochMillis(20999));
  EXPECT_THAT(lane.Values(kS0), IsEmpty());
  lane.Advance(FromEpochMillis(21000));
  EXPECT_THAT(lane.Values(kS0), SizeIs(1));
  EXPECT_THAT(lane.Values(kS1), IsEmpty());
  lane.Advance(FromEpochMillis(60000));
  EXPECT_THAT(lane.Values(kS1), SizeIs(1));
  EXPECT_EQ(lane.metrics.late.value(), 0U);
}

// An excursion that its vehicle's silence has ended ended long ago.
TEST(DerivedStreamTest, ALateRowIsWrittenAsItsSinkWouldWithItsCausesPlace) {
  const TestOperator fast{
      "excursion", {Param("when", "speed > 50 km/h"), Param("name", "fast")}};
  TestLane lane(Schema(), {{fast}, {Windows(1000, 0, {Param("n", "count()")})}},
                Options(), {{1, 0}});
  // The first of b closes a's window, the second ends what was open.
  lane.Run(
      {{"a", 100, {{"speed", 60.0}}}, {"b", 50000, {}}, {"b", 200000, {}}});
  std::vector<std::string> late;
  for (const std::string& line : lane.Lines()) {
    if (line[0] == '1') late.push_back(line);
  }
  EXPECT_THAT(
      late,
      ElementsAre(
          R"(1 2 200001 a {"vehicle_id":"a","name":"fast","event":"close",)"
          R"("id":"a/fast/100","start":100,"end":100,"duration_ms":0,)"
          R"("peak":60} tacho.stream=s1 tacho.window_start=0 )"
          R"(tacho.window_end=1000 tacho.from=s0 tacho.topic=input )"
          R"(tacho.partition=3 tacho.offset=2 tacho.timestamp=200001 )"
          R"(tacho.job=test)"));
  EXPECT_EQ(lane.metrics.late.value(), 1U);
}

// Not even a closing that nothing but time has caused has a position.
TEST(DerivedStreamTest, ALateRowWithoutACauseHasNoPosition) {
  const TestOperator fast{
      "excursion", {Param("when", "speed > 50 km/h"), Param("name", "fast")}};
  TestLane lane(Schema(), {{fast}, {Windows(1000, 0, {Param("n", "count()")})}},
                Options(), {{1, 0}});
  lane.Run({{"a", 100, {{"speed", 60.0}}}, {"b", 50000, {}}});
  lane.Advance(FromEpochMillis(150000));
  EXPECT_EQ(lane.metrics.late.value(), 1U);
  bool found = false;
  for (const std::string& line : lane.Lines()) {
    if (line[0] != '1') continue;
    found = true;
    EXPECT_EQ(line.find("tacho.offset"), std::string::npos) << line;
    EXPECT_NE(line.find("tacho.from=s0"), std::string::npos) << line;
  }
  EXPECT_TRUE(found);
}

TEST(DerivedStreamTest, AStreamOfRecordsIsReadAsTheRecordsAre) {
  const TestOperator project{
      "project",
      {Param("fields", {Param("speed", "speed"), Param("label", "label")})}};
  const TestOperator fast{"excursion",
                          {Param("when", "speed > 50 km/h"),
                           Param("for", Millis(700)), Param("name", "fast")}};
  std::mt19937 random(3);
  std::vector<TestRecord> records;
  for (int64_t i = 0; i < 1500; ++i) {
    records.push_back({"v" + std::to_string(random() % 4),
                       i * 100 - static_cast<int64_t>(random() % 3 * 300),
                       {{"speed", static_cast<double>(random() % 100)},
                        {"label", std::string(random() % 5, 'x')}}});
  }
  for (const size_t size : {size_t{1}, size_t{7}, size_t{1000}}) {
    TestLane::Options options = Options();
    options.batch_size = size;
    options.restart_each_batch = true;
    TestLane lane(
        Schema(),
        {{project}, {Counts(1000, 200)}, {Counts(1000, 200)}, {fast}, {fast}},
        options, {{2, 0}, {4, 0}});
    lane.Run(records);
    lane.Advance(kEndOfTime);
    const auto values = [&](SinkId i) { return lane.Values(kS0 + i); };
    EXPECT_THAT(values(0), SizeIs(1500));
    EXPECT_GT(values(1).size(), 100U);
    EXPECT_EQ(values(1), values(2));
    EXPECT_GT(values(3).size(), 20U);
    EXPECT_EQ(values(3), values(4));
  }
}

struct Row {
  double n = 0;
  double top = 0;
  bool operator==(const Row&) const = default;
};
// By vehicle and start of the window of `size`.
using Rows = std::map<std::pair<std::string, int64_t>, Row>;

Rows Fold(const std::vector<std::string>& values, int64_t size) {
  Rows rows;
  for (const std::string& value : values) {
    const json row = json::parse(value);
    const int64_t start = row["window_start"].get<int64_t>();
    Row& into =
        rows[{row["vehicle_id"].get<std::string>(), start - start % size}];
    into.n += row["n"].get<double>();
    if (row["top"].is_number()) {
      into.top = std::max(into.top, row["top"].get<double>());
    }
  }
  return rows;
}

class DerivedRandomTest : public ::testing::TestWithParam<uint32_t> {};

// No row of a window is late for what reads it, whatever comes late or falls
// silent below; and what is made does not depend on batches or restarts.
TEST_P(DerivedRandomTest, LargerWindowsHoldAllOfTheSmallerOnes) {
  std::mt19937 random(GetParam());
  std::vector<TestRecord> records;
  int64_t time = 1700000000000;
  for (int i = 0; i < 1200; ++i) {
    time += static_cast<int64_t>(random() % 300);
    if (random() % 150 == 0) time += 25000;
    if (random() % 400 == 0) time += 120000;
    const size_t vehicle = random() % 60 == 0 ? 4 + random() % 3 : random() % 4;
    records.push_back({"v" + std::to_string(vehicle),
                       time - static_cast<int64_t>(random() % 4 * 400),
                       {{"speed", static_cast<double>(random() % 1000)}}});
  }
  std::map<SinkId, std::vector<std::string>> expected;
  for (const bool restart : {false, true}) {
    for (const size_t size : {size_t{1}, size_t{7}, size_t{1000}}) {
      TestLane::Options options = Options();
      options.batch_size = size;
      options.restart_each_batch = restart;
      TestLane lane(Schema(),
                    {{Counts(1000, 500)}, {Sums(5000)}, {Sums(20000, 100)}},
                    options, {{1, 0}, {2, 1}});
      lane.Run(records);
      lane.Advance(FromEpochMillis(time + 15000));
      lane.Advance(kEndOfTime);
      for (const std::string& line : lane.Lines()) {
        ASSERT_EQ(line.find("tacho.from"), std::string::npos) << line;
      }
      EXPECT_GT(lane.metrics.late.value(), 0U);
      const auto small = lane.Values(kS0);
      EXPECT_EQ(Fold(lane.Values(kS1), 5000), Fold(small, 5000));
      EXPECT_EQ(Fold(lane.Values(kS1 + 1), 20000), Fold(small, 20000));
      for (const SinkId sink : {kS0, kS1, kS1 + 1}) {
        if (expected.count(sink) == 0) expected[sink] = lane.Values(sink);
        EXPECT_EQ(lane.Values(sink), expected[sink]) << size << restart;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, DerivedRandomTest, ::testing::Range(1U, 6U));

}  // namespace
}  // namespace tacho
