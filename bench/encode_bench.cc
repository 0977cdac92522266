// What writing one window as JSON costs. The ceiling is a copy of the same
// bytes into the same buffer.

#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "operators/emitter.h"
#include "pipeline/base/check.h"
#include "state/memory_store.h"

namespace tacho {
namespace {

constexpr size_t kRows = 1000;

std::vector<OutputField> Fields() {
  return {{"vehicle_id", FieldType::kText, Dimension::kNone},
          {"window_start", FieldType::kTime, Dimension::kNone},
          {"window_end", FieldType::kTime, Dimension::kNone},
          {"samples", FieldType::kInt64, Dimension::kNone},
          {"speed_mean", FieldType::kDouble, Dimension::kSpeed},
          {"speed_max", FieldType::kDouble, Dimension::kSpeed},
          {"speed_min", FieldType::kDouble, Dimension::kSpeed},
          {"temp_last", FieldType::kDouble, Dimension::kTemperature}};
}

struct Row {
  std::string vehicle;
  VehicleIndex index = 0;
  double mean = 0, max = 0, min = 0, last = 0;
};

// A mean has all its digits, a reading one or two.
std::vector<Row> Rows(LaneState& state) {
  std::mt19937 random(1);
  std::uniform_real_distribution<double> any(0, 120);
  const auto tenths = [&] { return static_cast<double>(random() % 1200) / 10; };
  std::vector<Row> rows;
  for (size_t i = 0; i < kRows; ++i) {
    Row row{"vehicle-" + std::to_string(i),
            0,
            any(random),
            tenths(),
            tenths(),
            tenths()};
    row.index = state.Intern(row.vehicle).value();
    rows.push_back(std::move(row));
  }
  return rows;
}

void Write(Emitter& emitter, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    emitter.Begin(-1, row.index);
    emitter.Text(row.vehicle);
    emitter.Time(FromEpochMillis(1769443200000));
    emitter.Time(FromEpochMillis(1769443260000));
    emitter.Int(60);
    emitter.Double(row.mean);
    emitter.Double(row.max);
    emitter.Double(row.min);
    emitter.Double(row.last);
    emitter.End();
  }
}

void Report(benchmark::State& state, size_t bytes) {
  const auto rows = static_cast<double>(state.iterations()) * kRows;
  state.SetItemsProcessed(static_cast<int64_t>(rows));
  state.SetBytesProcessed(static_cast<int64_t>(state.iterations()) *
                          static_cast<int64_t>(bytes));
  state.counters["time/row"] = benchmark::Counter(
      rows, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

class Bench {
 public:
  explicit Bench(TimeFormat format) : state_(store_, size_t{1} << 24) {
    CHECK(state_.Load(std::nullopt).ok());
    options_.sink = 0;
    options_.time_format = format;
    rows_ = Rows(state_);
  }
  void Run(benchmark::State& state) {
    Emitter emitter(options_, Fields(), state_, metrics_);
    emitter.SetTarget(&out, nullptr, 0);
    for (auto _ : state) {
      out.Clear();
      Write(emitter, rows_);
      benchmark::ClobberMemory();
    }
    Report(state, out.bytes().size());
  }
  void Fill() {
    Emitter emitter(options_, Fields(), state_, metrics_);
    emitter.SetTarget(&out, nullptr, 0);
    Write(emitter, rows_);
  }

  OutputBuffer out;

 private:
  MemoryStore store_;
  LaneState state_;
  LaneMetrics metrics_;
  OutputOptions options_;
  std::vector<Row> rows_;
};

void BM_Encode_Window(benchmark::State& state) {
  Bench(TimeFormat::kEpochMillis).Run(state);
}
BENCHMARK(BM_Encode_Window);

void BM_Encode_WindowIso8601(benchmark::State& state) {
  Bench(TimeFormat::kIso8601).Run(state);
}
BENCHMARK(BM_Encode_WindowIso8601);

void BM_Encode_CeilingCopy(benchmark::State& state) {
  Bench bench(TimeFormat::kEpochMillis);
  bench.Fill();
  OutputBuffer copy;
  for (auto _ : state) {
    copy.Clear();
    for (const OutputRecord& record : bench.out.records()) {
      copy.Begin(record.sink, record.cause, record.log_time);
      copy.Append(bench.out.Key(record));
      copy.EndKey();
      copy.Append(bench.out.Value(record));
      copy.EndValue();
      copy.End();
    }
    benchmark::ClobberMemory();
  }
  Report(state, copy.bytes().size());
}
BENCHMARK(BM_Encode_CeilingCopy);

}  // namespace
}  // namespace tacho
