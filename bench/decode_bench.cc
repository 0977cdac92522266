// What decoding a batch costs a record, and what cannot be undercut on the
// way: copying the bytes, simdjson's first stage, a DOM of everything.
//
// The messages have 14 fields, about 290 bytes and 6 wanted values, as
// fleets send them; every run decodes the same batch of 2,000.

#include <benchmark/benchmark.h>
#include <simdjson.h>

#include <cstdio>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/base/check.h"
#include "pipeline/decode/decoder.h"
#include "pipeline/decode/json_scanner.h"

namespace tacho {
namespace {

constexpr size_t kMessages = 2000;
constexpr uint64_t kVehicles = 10000;
constexpr int64_t kStart = 1769443200000;  // 2026-01-26T16:00:00Z

enum class TimeText { kMillis, kIso8601 };

// A message with the values that must come out of it.
struct Sample {
  std::string vehicle;
  int64_t time = 0;
  double speed = 0;
  double odometer = 0;
  double temperature = 0;
  bool ignition = false;
  std::string text;
};

// The double that a text with this many decimals stands for.
double Rounded(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return std::strtod(text, nullptr);
}

// How many forms the messages of a topic have: form 0 is the usual one; others
// have a few names of their own before, between and behind the others.
void GiveForm(size_t form, std::string& text) {
  if (form == 0) return;
  const std::string extra =
      "\"x" + std::to_string(form) + "\":" + std::to_string(form) + ",";
  text.insert(1, extra);
  text.insert(text.find("\"heading_deg"), "\"m" + extra.substr(1));
  text.insert(text.size() - 1, ",\"z" + extra.substr(2, extra.size() - 3));
}

Sample MakeSample(std::mt19937_64& random, int64_t time, TimeText form) {
  const auto pick = [&](uint64_t below) {
    return static_cast<double>(random() % below);
  };
  Sample sample;
  char text[512];
  std::snprintf(text, sizeof text, "VIN%014d",
                static_cast<int>(random() % kVehicles));
  sample.vehicle = text;
  sample.time = time;
  sample.speed = Rounded(pick(1600) / 10, 1);
  sample.odometer = Rounded(pick(200000000) / 1e3, 3);
  sample.temperature = Rounded(pick(1200) / 10, 1);
  sample.ignition = random() % 4 != 0;
  char time_text[32];
  if (form == TimeText::kMillis) {
    std::snprintf(time_text, sizeof time_text, "%lld",
                  static_cast<long long>(time));
  } else {
    const int second = static_cast<int>((time - kStart) / 1000);
    std::snprintf(time_text, sizeof time_text, "\"2026-01-26T16:%02d:%02dZ\"",
                  second / 60, second % 60);
  }
  std::snprintf(
      text, sizeof text,
      R"({"vehicle_id":"%s","ts":%s,"lat":%.6f,"lon":%.6f,)"
      R"("speed_kmph":%.1f,"heading_deg":%.1f,"odometer_km":%.3f,)"
      R"("engine_temp_c":%.1f,"rpm":%d,"fuel_pct":%.2f,"battery_v":%.2f,)"
      R"("ignition":%s,"status":"driving","firmware":"7.12.%d-rel"})",
      sample.vehicle.c_str(), time_text, 50 + pick(1000000) / 1e6,
      -3 + pick(1000000) / 1e6, sample.speed, pick(3600) / 10, sample.odometer,
      sample.temperature, static_cast<int>(pick(5000)), pick(10000) / 100,
      pick(1500) / 100, sample.ignition ? "true" : "false",
      static_cast<int>(pick(50)));
  sample.text = text;
  return sample;
}

std::vector<Sample> MakeSamples(TimeText form, size_t forms) {
  std::mt19937_64 random(1);
  std::vector<Sample> samples;
  for (size_t i = 0; i < kMessages; ++i) {
    const int64_t step = form == TimeText::kMillis ? 1 : 1000;
    samples.push_back(
        MakeSample(random, kStart + static_cast<int64_t>(i) * step, form));
    GiveForm(random() % forms, samples.back().text);
  }
  return samples;
}

DecoderConfig Config() {
  DecoderConfig config;
  config.vehicle_path = "/vehicle_id";
  config.event_time.path = "/ts";
  config.event_time.max_future_skew = std::chrono::hours(24);
  const auto add = [&](const char* name, const char* path, SignalType type,
                       Dimension dimension, const char* unit) {
    SignalSource source;
    source.signal = {name, type, dimension};
    source.path = path;
    source.unit = FindUnit(unit);
    config.signals.push_back(source);
  };
  add("speed", "/speed_kmph", SignalType::kDouble, Dimension::kSpeed, "km/h");
  add("engine_temp", "/engine_temp_c", SignalType::kDouble,
      Dimension::kTemperature, "celsius");
  add("odometer", "/odometer_km", SignalType::kDouble, Dimension::kDistance,
      "km");
  add("ignition", "/ignition", SignalType::kBool, Dimension::kNone, "");
  config.signals[0].min = 0;
  config.signals[0].max = 400;
  return config;
}

void Fill(const std::vector<Sample>& samples, Batch& batch) {
  for (size_t i = 0; i < samples.size(); ++i) {
    batch.AddMessage(static_cast<Offset>(i), FromEpochMillis(kStart),
                     samples[i].vehicle, samples[i].text);
  }
}

void CheckBatch(const std::vector<Sample>& samples, const Batch& batch) {
  CHECK(batch.records() == samples.size() && batch.rejects.empty());
  for (size_t i = 0; i < samples.size(); ++i) {
    CHECK(batch.vehicle_id[i] == samples[i].vehicle);
    CHECK(ToEpochMillis(batch.event_time[i]) == samples[i].time);
    CHECK(batch.columns[0].doubles[i] == samples[i].speed);
    CHECK(batch.columns[1].doubles[i] == samples[i].temperature);
    CHECK(batch.columns[2].doubles[i] == samples[i].odometer);
    CHECK((batch.columns[3].bools[i] != 0) == samples[i].ignition);
  }
}

// A batch of messages, ready to be decoded any number of times.
struct Workload {
  explicit Workload(TimeText form = TimeText::kMillis, size_t forms = 1)
      : samples(MakeSamples(form, forms)), batch(Config().Schema()) {
    Fill(samples, batch);
    for (const Message& message : batch.messages) bytes += message.value.size();
  }

  // Also sets the counters that make a run's time one of a record.
  void Count(benchmark::State& state) const {
    const auto runs = static_cast<int64_t>(state.iterations());
    state.SetItemsProcessed(runs * static_cast<int64_t>(kMessages));
    state.SetBytesProcessed(runs * static_cast<int64_t>(bytes));
    state.counters["ns_per_record"] = benchmark::Counter(
        static_cast<double>(runs) * kMessages,
        benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
    state.counters["bytes_per_record"] =
        static_cast<double>(bytes) / static_cast<double>(kMessages);
  }

  std::vector<Sample> samples;
  Batch batch;
  size_t bytes = 0;
};

void Decode(benchmark::State& state, TimeText form, size_t forms = 1) {
  Workload work(form, forms);
  const std::unique_ptr<Decoder> decoder = MakeDecoder(Config());
  decoder->Decode(work.batch);
  CheckBatch(work.samples, work.batch);
  // Decode appends records, so each round refills the batch that it reuses.
  for (auto _ : state) {
    state.PauseTiming();
    work.batch.Clear();
    Fill(work.samples, work.batch);
    state.ResumeTiming();
    decoder->Decode(work.batch);
    benchmark::DoNotOptimize(work.batch.records());
  }
  CheckBatch(work.samples, work.batch);
  work.Count(state);
}

void BM_Decode_Wide(benchmark::State& state) {
  Decode(state, TimeText::kMillis);
}
void BM_Decode_WideIso8601(benchmark::State& state) {
  Decode(state, TimeText::kIso8601);
}

void BM_Decode_TenForms(benchmark::State& state) {
  Decode(state, TimeText::kMillis, 10);
}
// Nearly each message of a batch has names that none before it had.
void BM_Decode_ThousandForms(benchmark::State& state) {
  Decode(state, TimeText::kMillis, 1000);
}

// The scanner alone: validation, and finding what is wanted.
void Scan(benchmark::State& state, IndexRoute route) {
  const Workload work;
  JsonScanner scanner({"/ts", "/speed_kmph", "/engine_temp_c", "/odometer_km",
                       "/ignition", "/vehicle_id"},
                      JsonLimits{}, route);
  for (auto _ : state) {
    for (const Message& message : work.batch.messages) {
      CHECK(!scanner.Scan(message.value).has_value());
      benchmark::DoNotOptimize(scanner.value(5).data);
    }
  }
  work.Count(state);
}
void BM_Scan(benchmark::State& state) {
  Scan(state, JsonIndex::DefaultRoute());
}
void BM_Scan_Portable(benchmark::State& state) {
  Scan(state, IndexRoute::kPortable);
}

void BM_Ceiling_Copy(benchmark::State& state) {
  const Workload work;
  std::vector<char> target(work.bytes + 1024);
  for (auto _ : state) {
    char* to = target.data();
    for (const Message& message : work.batch.messages) {
      std::memcpy(to, message.value.data(), message.value.size());
      to += message.value.size();
    }
    benchmark::DoNotOptimize(target.data());
    benchmark::ClobberMemory();
  }
  work.Count(state);
}

void BM_Ceiling_Stage1(benchmark::State& state) {
  const Workload work;
  JsonIndex index(JsonIndex::DefaultRoute(), 4096);
  for (auto _ : state) {
    for (const Message& message : work.batch.messages) {
      CHECK(index.Build(message.value));
      benchmark::DoNotOptimize(index.end());
    }
  }
  work.Count(state);
}

void BM_Ceiling_Dom(benchmark::State& state) {
  const Workload work;
  simdjson::dom::parser parser;
  for (auto _ : state) {
    for (const Message& message : work.batch.messages) {
      simdjson::dom::element root;
      CHECK(!parser.parse(message.value.data(), message.value.size(), false)
                 .get(root));
      benchmark::DoNotOptimize(root);
    }
  }
  work.Count(state);
}

BENCHMARK(BM_Ceiling_Copy);
BENCHMARK(BM_Ceiling_Stage1);
BENCHMARK(BM_Ceiling_Dom);
BENCHMARK(BM_Scan);
BENCHMARK(BM_Scan_Portable);
BENCHMARK(BM_Decode_Wide);
BENCHMARK(BM_Decode_WideIso8601);
BENCHMARK(BM_Decode_TenForms);
BENCHMARK(BM_Decode_ThousandForms);

}  // namespace
}  // namespace tacho
