// What one window costs from an operator's cells to JSON in the epoch's buffer.
// The ceiling is a copy of the same bytes into the same buffer.

#include <benchmark/benchmark.h>

#include <random>
#include <string>
#include <vector>

#include "operators/row_writer.h"
#include "pipeline/base/check.h"
#include "pipeline/encode/json_encoder.h"

namespace tacho {
namespace {

constexpr size_t kRows = 1000;

RowSchema Fields() {
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
std::vector<Row> Rows() {
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
    row.index = static_cast<VehicleIndex>(i);
    rows.push_back(std::move(row));
  }
  return rows;
}

void Write(RowWriter& writer, const std::vector<Row>& rows) {
  for (const Row& row : rows) {
    writer.Begin(kNoCause, row.index, row.vehicle,
                 FromEpochMillis(1769443259999));
    writer.Text(row.vehicle);
    writer.Time(FromEpochMillis(1769443200000));
    writer.Time(FromEpochMillis(1769443260000));
    writer.Int(60);
    writer.Double(row.mean);
    writer.Double(row.max);
    writer.Double(row.min);
    writer.Double(row.last);
    writer.End();
  }
  writer.Flush();
}

class EncodingSink final : public RowSink {
 public:
  EncodingSink(const EncoderOptions& options, OutputBuffer& out)
      : encoder_(Fields(), options), target_{&out} {}
  void Take(const Batch& rows, const std::vector<LateRecord>&,
            const uint8_t*) override {
    encoder_.Encode(rows, {0, rows.records()}, target_);
  }

 private:
  JsonEncoder encoder_;
  RowTarget target_;
};

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
  explicit Bench(TimeFormat format)
      : rows_(Rows()),
        sink_({format}, out),
        writer_(Fields(), sink_, metrics_) {}
  void Run(benchmark::State& state) {
    for (auto _ : state) {
      out.Clear();
      Write(writer_, rows_);
      benchmark::ClobberMemory();
    }
    Report(state, out.bytes().size());
  }
  void Fill() { Write(writer_, rows_); }

  OutputBuffer out;

 private:
  std::vector<Row> rows_;
  LaneMetrics metrics_;
  EncodingSink sink_;
  RowWriter writer_;
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
