// What a record costs in a stream: a window with five aggregates over 10,000
// vehicles, once a second each, one-minute windows; the clock before it and
// an excursion beside it. The ceiling is the same fold into a plain array of
// structs by dense id, without state, closing or lateness.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operators/registry.h"
#include "operators/vehicle_clock.h"
#include "pipeline/base/check.h"
#include "pipeline/lane/operator_chain.h"
#include "state/lane_state.h"
#include "state/memory_store.h"
#include "tests/support/batch_builder.h"

namespace tacho {
namespace {

constexpr size_t kVehicles = 10000;
constexpr size_t kRows = 2000;
constexpr size_t kBatches = kVehicles / kRows;
constexpr size_t kCommitEvery = 50;  // Batches.
constexpr int64_t kStart = 1769443200000;

SignalSchema Schema() {
  return SignalSchema(
      {{"speed", SignalType::kDouble, Dimension::kSpeed},
       {"temp", SignalType::kDouble, Dimension::kTemperature},
       {"odometer", SignalType::kDouble, Dimension::kDistance}});
}

ParamValue Param(std::string name, std::string text) {
  ParamValue value;
  value.name = std::move(name);
  value.text = std::move(text);
  return value;
}

OperatorParams WindowParams(bool with_distance) {
  ParamValue size = Param("tumbling", "1m");
  size.duration = std::chrono::minutes(1);
  ParamValue window = Param("window", "");
  window.children = {size};
  ParamValue lateness = Param("allowed_lateness", "10s");
  lateness.duration = std::chrono::seconds(10);
  ParamValue aggregates = Param("aggregates", "");
  aggregates.children = {Param("n", "count()"), Param("mean", "mean(speed)"),
                         Param("max", "max(speed)"), Param("min", "min(speed)"),
                         Param("temp", "last(temp)")};
  if (with_distance) {
    aggregates.children.push_back(Param("km", "distance(odometer)"));
  }
  OperatorParams params;
  params.values = {window, lateness, aggregates};
  return params;
}

OperatorParams ExcursionParams() {
  ParamValue hold = Param("for", "10s");
  hold.duration = std::chrono::seconds(10);
  OperatorParams params;
  params.values = {Param("when", "speed > 120 km/h"), hold,
                   Param("clear", "speed < 115 km/h"), Param("name", "over")};
  return params;
}

// The newest value of each signal, and a count of the rows: no row is written
// but a window's.
OperatorParams LastValueParams() {
  ParamValue signals = Param("signals", "");
  signals.children = {Param("", "speed"), Param("", "temp"),
                      Param("", "odometer")};
  OperatorParams params;
  params.values = {signals};
  return params;
}

OperatorParams CountParams() {
  OperatorParams params = WindowParams(false);
  params.values.back().children = {Param("n", "count()")};
  return params;
}

using Steps = std::vector<std::pair<std::string_view, OperatorParams>>;

std::vector<std::unique_ptr<Operator>> Make(const Steps& steps) {
  std::vector<OperatorConfig> configs;
  for (const auto& [type, params] : steps) {
    configs.push_back({FindOperatorType(type), params});
  }
  std::vector<ParamError> errors;
  auto made = MakeOperators(configs, Schema(), {}, errors);
  CHECK(!made.empty());
  return made;
}

// A lane's input: all vehicles, shuffled, second by second. The same batches
// come again with later times.
class Fleet {
 public:
  explicit Fleet(std::vector<std::unique_ptr<Operator>> operators)
      : state_(store_, size_t{1} << 30), clock_(std::chrono::hours(168)) {
    chain_ = std::make_unique<OperatorChain>(std::move(operators));
    clock_.Open(state_);
    OutputOptions options;
    options.sink = 0;
    options.stream = "s";
    CHECK(chain_->Open(Schema(), state_, clock_, metrics_, {}, options).ok());
    CHECK(state_.Load(std::nullopt).ok());
    CHECK(chain_->Start().ok());
    MakeBatches();
    for (size_t i = 0; i < 150 * kBatches; ++i) {  // Warm: windows close.
      Next();
      Process();
    }
    CHECK(metrics_.late.value() == 0);
  }

  // The next batch, its times moved on; commits outside what is measured.
  Batch& Next() {
    Batch& batch = *batches_[step_ % kBatches];
    for (size_t row = 0; row < batch.records(); ++row) {
      batch.event_time[row] += std::chrono::seconds(1);
    }
    if (++step_ % kCommitEvery == 0) Commit();
    clock_.Observe(batch);
    current_ = &batch;
    return batch;
  }
  void Process() { CHECK(chain_->Process(*current_, out_, 0).ok()); }
  void Observe() { clock_.Observe(*current_); }
  uint64_t outputs() const { return metrics_.outputs.value(); }

 private:
  void MakeBatches() {
    std::mt19937 random(1);
    std::vector<size_t> order(kVehicles);
    std::iota(order.begin(), order.end(), size_t{0});
    std::shuffle(order.begin(), order.end(), random);
    const BatchBuilder builder(Schema());
    std::uniform_real_distribution<double> speed(0, 125);
    for (size_t b = 0; b < kBatches; ++b) {
      batches_.push_back(std::make_unique<Batch>(Schema()));
      for (size_t i = 0; i < kRows; ++i) {
        const size_t v = order[b * kRows + i];
        TestRecord record{"vehicle-" + std::to_string(v),
                          kStart + static_cast<int64_t>(v % 1000),
                          {{"speed", speed(random)},
                           {"temp", speed(random)},
                           {"odometer", 1000.0 + static_cast<double>(v)}}};
        if (i % 20 == 0) record.cells[0].second = CellState::kNull;
        builder.Add(*batches_[b], record, static_cast<Offset>(i));
      }
      CHECK(state_.InternBatch(*batches_[b]).ok());
    }
  }

  void Commit() {
    StateChanges changes;
    state_.Freeze(changes);
    state_.Applied();
    out_.Clear();
  }

  MemoryStore store_;
  LaneState state_;
  VehicleClock clock_;
  LaneMetrics metrics_;
  std::unique_ptr<OperatorChain> chain_;
  std::vector<std::unique_ptr<Batch>> batches_;
  Batch* current_ = nullptr;
  size_t step_ = 0;
  OutputBuffer out_;
};

double SecondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

void Report(benchmark::State& state) {
  const auto records = static_cast<double>(state.iterations()) * kRows;
  state.SetItemsProcessed(static_cast<int64_t>(records));
  state.counters["time/record"] = benchmark::Counter(
      records, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void RunOperators(benchmark::State& state, const Steps& steps) {
  Fleet fleet(Make(steps));
  const uint64_t before = fleet.outputs();
  for (auto _ : state) {
    fleet.Next();
    const auto start = std::chrono::steady_clock::now();
    fleet.Process();
    state.SetIterationTime(SecondsSince(start));
  }
  Report(state);
  state.counters["records/output"] =
      static_cast<double>(state.iterations()) * kRows /
      static_cast<double>(std::max<uint64_t>(1, fleet.outputs() - before));
}

void BM_Window_FiveAggregates(benchmark::State& state) {
  RunOperators(state, {{"window_aggregate", WindowParams(false)}});
}
BENCHMARK(BM_Window_FiveAggregates)->UseManualTime();

void BM_Window_FiveAggregatesAndDistance(benchmark::State& state) {
  RunOperators(state, {{"window_aggregate", WindowParams(true)}});
}
BENCHMARK(BM_Window_FiveAggregatesAndDistance)->UseManualTime();

void BM_Excursion(benchmark::State& state) {
  RunOperators(state, {{"excursion", ExcursionParams()}});
}
BENCHMARK(BM_Excursion)->UseManualTime();

void BM_Count(benchmark::State& state) {
  RunOperators(state, {{"window_aggregate", CountParams()}});
}
BENCHMARK(BM_Count)->UseManualTime();

void BM_LastValueAndCount(benchmark::State& state) {
  RunOperators(state, {{"last_value", LastValueParams()},
                       {"window_aggregate", CountParams()}});
}
BENCHMARK(BM_LastValueAndCount)->UseManualTime();

void BM_Clock_Observe(benchmark::State& state) {
  Fleet fleet(Make({{"window_aggregate", WindowParams(false)}}));
  for (auto _ : state) {
    Batch& batch = fleet.Next();
    fleet.Process();
    for (size_t row = 0; row < batch.records(); ++row) {
      batch.event_time[row] += Millis(1);
    }
    const auto start = std::chrono::steady_clock::now();
    fleet.Observe();
    state.SetIterationTime(SecondsSince(start));
  }
  Report(state);
}
BENCHMARK(BM_Clock_Observe)->UseManualTime();

// The ceiling: nothing but the fold.
struct PlainWindow {
  int64_t end = 0;
  int64_t count = 0;
  int64_t speeds = 0;
  double sum = 0;
  double max = 0;
  double min = 0;
  int64_t last_time = 0;
  double last = 0;
};

void FoldPlain(const Batch& batch, std::vector<PlainWindow>& windows,
               int64_t& closed) {
  const Column& speed = batch.columns[0];
  const Column& temp = batch.columns[1];
  for (size_t row = 0; row < batch.records(); ++row) {
    PlainWindow& w = windows[batch.vehicle[row]];
    const int64_t time = ToEpochMillis(batch.event_time[row]);
    if (time >= w.end) {
      ++closed;
      w = {};
      w.end = ToEpochMillis(
          WindowStart(batch.event_time[row], std::chrono::minutes(1)) +
          std::chrono::minutes(1));
    }
    ++w.count;
    if (speed.state[row] == CellState::kValid) {
      const double value = speed.doubles[row];
      w.sum += value;
      if (w.speeds == 0 || value > w.max) w.max = value;
      if (w.speeds == 0 || value < w.min) w.min = value;
      ++w.speeds;
    }
    if (temp.state[row] == CellState::kValid && time >= w.last_time) {
      w.last_time = time;
      w.last = temp.doubles[row];
    }
  }
}

void BM_Window_CeilingPlainArray(benchmark::State& state) {
  Fleet fleet(Make({{"window_aggregate", WindowParams(false)}}));
  std::vector<PlainWindow> windows(kVehicles);
  int64_t closed = 0;
  for (auto _ : state) {
    const Batch& batch = fleet.Next();
    const auto start = std::chrono::steady_clock::now();
    FoldPlain(batch, windows, closed);
    state.SetIterationTime(SecondsSince(start));
    benchmark::DoNotOptimize(windows.data());
  }
  Report(state);
}
BENCHMARK(BM_Window_CeilingPlainArray)->UseManualTime();

}  // namespace
}  // namespace tacho
