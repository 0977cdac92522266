// What a condition costs a row. The ceiling of each is the same condition as a
// loop written by hand over the same columns.

#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

#include "operators/expression/expression.h"
#include "pipeline/base/check.h"
#include "tests/support/batch_builder.h"

namespace tacho {
namespace {

constexpr size_t kRows = 2000;

SignalSchema Schema() {
  return SignalSchema({{"speed", SignalType::kDouble, Dimension::kSpeed},
                       {"temp", SignalType::kDouble, Dimension::kTemperature},
                       {"ignition", SignalType::kBool, Dimension::kNone}});
}

std::unique_ptr<Batch> Rows() {
  auto batch = std::make_unique<Batch>(Schema());
  const BatchBuilder builder(Schema());
  std::mt19937 random(1);
  std::uniform_real_distribution<double> value(0, 200);
  for (size_t row = 0; row < kRows; ++row) {
    TestRecord record{"v",
                      0,
                      {{"speed", value(random)},
                       {"temp", value(random)},
                       {"ignition", random() % 4 > 0}}};
    if (random() % 10 == 0)
      record.cells[random() % 3].second = CellState::kNull;
    builder.Add(*batch, record, static_cast<Offset>(row));
  }
  return batch;
}

void Report(benchmark::State& state) {
  const auto rows = static_cast<double>(state.iterations()) * kRows;
  state.SetItemsProcessed(static_cast<int64_t>(rows));
  state.counters["time/row"] = benchmark::Counter(
      rows, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void RunCondition(benchmark::State& state, const std::string& text) {
  const auto batch = Rows();
  ExpressionError error;
  auto condition = Condition::Compile(text, Schema(), error);
  CHECK(condition.has_value());
  std::vector<Truth> truths;
  for (auto _ : state) {
    condition->Evaluate(*batch, {0, batch->records()}, truths);
    benchmark::DoNotOptimize(truths.data());
    benchmark::ClobberMemory();
  }
  Report(state);
}

template <typename Loop>
void RunLoop(benchmark::State& state, Loop loop) {
  const auto batch = Rows();
  std::vector<Truth> truths(kRows);
  for (auto _ : state) {
    loop(*batch, truths.data());
    benchmark::DoNotOptimize(truths.data());
    benchmark::ClobberMemory();
  }
  Report(state);
}

void BM_Expression_Compare(benchmark::State& state) {
  RunCondition(state, "speed > 120 km/h");
}
BENCHMARK(BM_Expression_Compare);

void BM_Expression_CompareCeilingByHand(benchmark::State& state) {
  RunLoop(state, [](const Batch& batch, Truth* out) {
    const CellState* const cells = batch.columns[0].state.data();
    const double* const speed = batch.columns[0].doubles.data();
    for (size_t i = 0; i < kRows; ++i) {
      const auto over = static_cast<Truth>(speed[i] > 120);
      out[i] = cells[i] == CellState::kValid ? over : Truth::kUnknown;
    }
  });
}
BENCHMARK(BM_Expression_CompareCeilingByHand);

void BM_Expression_Logic(benchmark::State& state) {
  RunCondition(state,
               "ignition and (speed > 120 or speed * 2 < 30) and not "
               "temp > 190");
}
BENCHMARK(BM_Expression_Logic);

void BM_Expression_LogicCeilingByHand(benchmark::State& state) {
  RunLoop(state, [](const Batch& batch, Truth* out) {
    const Column& speed = batch.columns[0];
    const Column& temp = batch.columns[1];
    const Column& ignition = batch.columns[2];
    for (size_t i = 0; i < kRows; ++i) {
      const bool valid = speed.state[i] == CellState::kValid &&
                         temp.state[i] == CellState::kValid &&
                         ignition.state[i] == CellState::kValid;
      const double s = speed.doubles[i];
      const double t = temp.doubles[i];
      // Not Kleene: what one would write without asking what unknown means.
      out[i] = !valid
                   ? Truth::kUnknown
                   : static_cast<Truth>(ignition.bools[i] != 0 &&
                                        (s > 120 || s * 2 < 30) && !(t > 190));
    }
  });
}
BENCHMARK(BM_Expression_LogicCeilingByHand);

}  // namespace
}  // namespace tacho
