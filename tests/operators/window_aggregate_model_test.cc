// window_aggregate against its specification, on random input: tumbling and
// hopping windows, at every batch size, with eviction and restarts.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "tests/operators/window_operators.h"
#include "tests/support/exact_mean.h"
#include "tests/support/test_lane.h"

namespace tacho {
namespace {

using nlohmann::json;

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

}  // namespace
}  // namespace tacho
