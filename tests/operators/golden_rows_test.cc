// What a job writes does not change: every line that streams of all operators
// write for one input, byte for byte, against what was recorded before rows
// were a batch.

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/support/paths.h"
#include "tests/support/test_lane.h"

namespace tacho {
namespace {

constexpr int64_t kStart = 1769443200000;
constexpr int64_t kLargest = 9223372036854775807;

SignalSchema Schema() {
  return SignalSchema({{"speed", SignalType::kDouble, Dimension::kSpeed},
                       {"huge", SignalType::kDouble, Dimension::kNone},
                       {"odometer", SignalType::kDouble, Dimension::kDistance},
                       {"metres", SignalType::kInt64, Dimension::kNone},
                       {"count", SignalType::kInt64, Dimension::kNone},
                       {"on", SignalType::kBool, Dimension::kNone},
                       {"label", SignalType::kString, Dimension::kNone}});
}

TestOperator EveryFunction() {
  std::vector<ParamValue> aggregates = {Param("n", "count()"),
                                        Param("quote\"d", "count(label)")};
  int ordinal = 0;
  const auto add = [&](const std::string& function, const std::string& signal) {
    aggregates.push_back(
        Param("a" + std::to_string(ordinal++), function + "(" + signal + ")"));
  };
  for (const char* function : {"sum", "min", "max", "mean"}) {
    for (const char* signal : {"speed", "huge", "count"}) {
      add(function, signal);
    }
  }
  for (const char* function : {"first", "last"}) {
    for (const char* signal : {"speed", "count", "on", "label"}) {
      add(function, signal);
    }
  }
  add("distance", "odometer");
  add("distance", "metres");
  return {"window_aggregate",
          {Param("window", {Param("tumbling", Millis(20000))}),
           Param("allowed_lateness", Millis(5000)),
           Param("aggregates", std::move(aggregates))}};
}

TestLane::Streams Streams() {
  const TestOperator filter{"filter", {Param("condition", "speed >= 20 km/h")}};
  const TestOperator count{
      "window_aggregate",
      {Param("window", {Param("tumbling", Millis(7000))}),
       Param("aggregates",
             {Param("n", "count()"), Param("text", "last(label)")})}};
  const TestOperator fast{
      "excursion",
      {Param("when", "speed > 100 km/h"), Param("for", Millis(2000)),
       Param("clear", "speed < 80 km/h"),
       Param("name", "over \"speed\" \xc3\xa9")}};
  const TestOperator off{"excursion",
                         {Param("when", "not on"), Param("name", "off")}};
  return {{EveryFunction()}, {filter, count}, {fast}, {filter, off}};
}

// Four vehicles, one of them silent for a while, some of it in disorder, cells
// of every state, numbers at the edges, texts that JSON escapes.
std::vector<TestRecord> Records() {
  const std::vector<std::string> vehicles = {"v-1", "quo\"te\\", "\xc3\xbc 2",
                                             "silent"};
  const std::vector<std::string> labels = {"", "plain", "tab\t\"q\" \\ /",
                                           "\xe2\x82\xac",
                                           std::string("\x01\x1f", 2)};
  const std::vector<double> huge = {1e308, -1e308, 5e-324, 0.1, -0.0, 1e22};
  std::mt19937_64 random(17);
  const auto pick = [&](size_t below) {
    return static_cast<size_t>(random() % below);
  };
  std::vector<TestRecord> records;
  for (int64_t i = 0; i < 260; ++i) {
    TestRecord record;
    const size_t vehicle = pick(i % 130 < 20 ? 4 : 3);
    record.vehicle = vehicles[vehicle];
    record.event_ms = kStart + i * 700 - static_cast<int64_t>(pick(3) * 2000);
    if (i % 40 == 39) record.event_ms -= 30000;
    const auto state = [&]() -> std::optional<CellState> {
      switch (pick(12)) {
        case 0:
          return CellState::kNull;
        case 1:
          return CellState::kInvalid;
        case 2:
          return CellState::kAbsent;
        default:
          return std::nullopt;
      }
    };
    const auto add = [&](const char* name, TestCell cell) {
      const auto other = state();
      record.cells.emplace_back(name, other ? TestCell(*other) : cell);
    };
    add("speed", static_cast<double>(pick(1400)) / 10);
    add("huge", huge[pick(huge.size())]);
    add("odometer", 1000 + static_cast<double>(i) / 10);
    add("metres", int64_t{5000} + i * 3);
    add("count", pick(9) == 0 ? kLargest : static_cast<int64_t>(pick(1000)));
    add("on", pick(4) != 0);
    add("label", labels[pick(labels.size())]);
    records.push_back(std::move(record));
  }
  return records;
}

std::vector<std::string> LinesOf(size_t batch_size, bool restart,
                                 TimeFormat format) {
  TestLane::Options options;
  options.batch_size = batch_size;
  options.restart_each_batch = restart;
  options.time_format = format;
  options.settings.vehicle_idle_timeout = std::chrono::seconds(40);
  options.settings.vehicle_forget = std::chrono::seconds(70);
  TestLane lane(Schema(), Streams(), options);
  const std::vector<TestRecord> records = Records();
  const auto middle = records.begin() + 130;
  lane.Run({records.begin(), middle});
  lane.Run({middle, records.end()});
  lane.Advance(FromEpochMillis(kStart + 260 * 700 + 30000));
  lane.Advance(kEndOfTime);
  return lane.Lines();
}

// With batches of one a lane's lines are in the order of their causes; streams
// one after the other otherwise.
std::vector<std::string> Golden() {
  std::vector<std::string> lines = LinesOf(1, false, TimeFormat::kEpochMillis);
  for (std::string& line : LinesOf(1000, false, TimeFormat::kIso8601)) {
    lines.push_back(std::move(line));
  }
  return lines;
}

// To record it anew, which says that the bytes of a job's results change:
//   TACHO_RECORD_GOLDEN=1 operators_test --gtest_filter='GoldenRows*'
TEST(GoldenRowsTest, LinesAreThoseThatWereRecorded) {
  const std::string path = SourceDir() + "/tests/operators/golden_rows.txt";
  const std::vector<std::string> lines = Golden();
  if (std::getenv("TACHO_RECORD_GOLDEN") != nullptr) {
    std::ofstream out(path, std::ios::binary);
    for (const std::string& line : lines) out << line << '\n';
  }
  std::ifstream in(path, std::ios::binary);
  std::vector<std::string> golden;
  for (std::string line; std::getline(in, line);) golden.push_back(line);
  ASSERT_GT(golden.size(), 300U);
  for (size_t i = 0; i < std::min(lines.size(), golden.size()); ++i) {
    ASSERT_EQ(lines[i], golden[i]) << "line " << i + 1;
  }
  EXPECT_EQ(lines.size(), golden.size());
}

TEST(GoldenRowsTest, BatchesAndRestartsMakeNoDifferenceToASink) {
  const auto by_sink = [](const std::vector<std::string>& lines) {
    std::map<std::string, std::vector<std::string>> sinks;
    for (const std::string& line : lines) {
      // Late records of all streams share a sink: their order there is that
      // of their causes, which a lane restores.
      if (line[0] != '1') sinks[line.substr(0, 1)].push_back(line);
    }
    return sinks;
  };
  const auto expected = by_sink(LinesOf(1, false, TimeFormat::kEpochMillis));
  EXPECT_EQ(expected.size(), 4U);
  for (const size_t size : {size_t{7}, size_t{1000}}) {
    EXPECT_EQ(by_sink(LinesOf(size, false, TimeFormat::kEpochMillis)),
              expected);
    EXPECT_EQ(by_sink(LinesOf(size, true, TimeFormat::kEpochMillis)), expected);
  }
}

}  // namespace
}  // namespace tacho
