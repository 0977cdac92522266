// The shape datums beside others: real messages of the Tesla shape against the
// same drives as wide records, and broken copies of them against the rule that
// a message ends as records, as one reject or as skipped.

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "pipeline/decode/decoder.h"
#include "tests/decode/documents.h"

namespace tacho {
namespace {

constexpr Timestamp kNow = FromEpochMillis(1795392000000);
const std::set<std::string> kDrivers = {"obd-s3", "obd-s9", "obd-s11",
                                        "obd-s12", "obd-s13"};

// A signal of both feeds.
struct Twin {
  const char* name;       // In datums.
  const char* datum;      // Its value's path there.
  const char* wide_path;  // In wide.
  SignalType type = SignalType::kDouble;
};

constexpr Twin kTwins[] = {
    {"VehicleSpeed", "/value/stringValue", "/speed_kmph"},
    {"Location", "/value/locationValue/latitude", "/lat"},
    {"Location", "/value/locationValue/longitude", "/lon"},
    {"EngineRpm", "/value/stringValue", "/engine_rpm"},
    {"CoolantTemp", "/value/stringValue", "/coolant_c"},
    {"FuelLevel", "/value/stringValue", "/fuel_pct"},
    {"EngineLoad", "/value/stringValue", "/engine_load_pct"},
    {"AmbientTemp", "/value/stringValue", "/ambient_c"},
    {"ManifoldPressure", "/value/stringValue", "/map_kpa"},
    {"MassAirFlow", "/value/stringValue", "/maf_gps"},
    {"ThrottlePos", "/value/stringValue", "/throttle_pct"},
    {"DtcCount", "/value/stringValue", "/dtc_count", SignalType::kInt64},
    {"MilOn", "/value/booleanValue", "/mil_on", SignalType::kBool},
};
constexpr size_t kSpeed = 0;
constexpr size_t kLat = 1;
constexpr size_t kLon = 2;
constexpr size_t kMilOn = std::size(kTwins) - 1;

SignalSource SourceOf(const Twin& twin) {
  SignalSource source;
  source.signal = {twin.name, twin.type, Dimension::kNone};
  return source;
}

DecoderConfig DatumsConfig() {
  DecoderConfig config;
  config.shape = FindType(ShapeTypes(), "datums");
  config.vehicle_path = "/vin";
  config.event_time.path = "/createdAt";
  config.datums = {"/data", "/key", "/value/stringValue", "", "/value/invalid"};
  config.accept = {"/isResend", {"true"}, false};
  for (const Twin& twin : kTwins) {
    SignalSource source = SourceOf(twin);
    source.name = twin.name;
    source.path = twin.datum;
    source.allow_string = twin.type != SignalType::kBool;
    config.signals.push_back(source);
  }
  config.signals[kSpeed].unit = FindUnit("mph");
  return config;
}

DecoderConfig WideConfig() {
  DecoderConfig config;
  config.vehicle_path = "/vehicle_id";
  config.event_time.path = "/ts";
  for (const Twin& twin : kTwins) {
    SignalSource source = SourceOf(twin);
    source.path = twin.wide_path;
    source.on_bad = OnBad::kInvalid;  // Raw replies of the adapter.
    config.signals.push_back(source);
  }
  return config;
}

double Number(const Column& column, size_t row) {
  switch (column.type) {
    case SignalType::kInt64:
      return static_cast<double>(column.ints[row]);
    case SignalType::kBool:
      return column.bools[row];
    default:
      return column.doubles[row];
  }
}

// What is known of a vehicle after a record: by signal its newest valid value,
// and whether the newest word on it was one.
struct Known {
  int64_t time = 0;
  std::vector<double> last;
  std::vector<bool> valid;
};
using Drives = std::map<std::string, std::vector<Known>>;

// `keeps`: a signal that a record does not mention stays as it was.
void Fold(const Batch& batch, bool keeps, Drives& drives) {
  for (size_t row = 0; row < batch.records(); ++row) {
    std::vector<Known>& drive = drives[std::string(batch.vehicle_id[row])];
    Known now;
    now.last.assign(std::size(kTwins), NAN);
    now.valid.assign(std::size(kTwins), false);
    if (!drive.empty()) now = drive.back();
    now.time = ToEpochMillis(batch.event_time[row]);
    for (size_t i = 0; i < std::size(kTwins); ++i) {
      const Column& column = batch.columns[i];
      const CellState state = column.state[row];
      if (keeps && state == CellState::kAbsent) continue;
      now.valid[i] = state == CellState::kValid;
      if (now.valid[i]) now.last[i] = Number(column, row);
    }
    drive.push_back(now);
  }
}

// In wide a place of 0, 0 is the adapter's for "no fix".
void DropNoFix(Batch& batch) {
  for (size_t row = 0; row < batch.records(); ++row) {
    if (batch.columns[kLat].doubles[row] != 0) continue;
    batch.columns[kLat].state[row] = CellState::kInvalid;
    batch.columns[kLon].state[row] = CellState::kInvalid;
  }
}

void Add(const std::vector<RealMessage>& messages, Batch& batch) {
  for (const RealMessage& m : messages) {
    batch.AddMessage(0, kNow, m.key, m.value);
  }
}

TEST(DatumsModelTest, LastValuesOfDatumsAreThoseOfTheWideRecords) {
  const std::vector<RealMessage> datums = ReadRealMessages("datums.ndjson.gz");
  if (datums.empty()) {
    GTEST_SKIP() << "../shared/data/datums.ndjson.gz is absent";
  }
  std::vector<RealMessage> wide;
  for (RealMessage& m : ReadRealMessages("wide.ndjson.gz")) {
    if (kDrivers.contains(m.key)) wide.push_back(std::move(m));
  }
  Batch wide_batch(WideConfig().Schema());
  Add(wide, wide_batch);
  MakeDecoder(WideConfig())->Decode(wide_batch);
  ASSERT_EQ(wide_batch.records(), wide.size());
  DropNoFix(wide_batch);
  Batch batch(DatumsConfig().Schema());
  Add(datums, batch);
  MakeDecoder(DatumsConfig())->Decode(batch);
  ASSERT_EQ(batch.messages.size(), 2057u);
  EXPECT_EQ(batch.skipped, 20u) << "resends";
  EXPECT_EQ(batch.rejects.size(), 0u);
  EXPECT_EQ(batch.invalid_values, 0u);

  Drives by_datums;
  Drives by_wide;
  Fold(batch, true, by_datums);
  Fold(wide_batch, false, by_wide);
  ASSERT_EQ(by_datums.size(), kDrivers.size());
  size_t compared = 0;
  for (const auto& [driver, rows] : by_wide) {
    const std::vector<Known>& others = by_datums[driver];
    ASSERT_EQ(rows.size(), others.size()) << driver;
    for (size_t row = 0; row < rows.size(); ++row) {
      ASSERT_EQ(rows[row].time, others[row].time) << driver << " " << row;
      for (size_t i = 0; i < std::size(kTwins); ++i) {
        // No datum ever says that this one is unknown again.
        if (i != kMilOn) {
          ASSERT_EQ(rows[row].valid[i], others[row].valid[i])
              << driver << " " << row << " " << kTwins[i].wide_path;
        }
        const double a = rows[row].last[i];
        const double b = others[row].last[i];
        if (std::isnan(a) && std::isnan(b)) continue;
        ASSERT_NEAR(a, b, std::abs(a) * 1e-6)
            << driver << " " << row << " " << kTwins[i].wide_path;
        ++compared;
      }
    }
  }
  EXPECT_GT(compared, 20000u);
}

// A message that is cut, changed or garbage ends as records of its own, as one
// reject or as skipped, and the message after it is not touched by it.
void CheckFate(Decoder& decoder, const std::string& text, Batch& batch,
               const std::string& good) {
  batch.Clear();
  batch.AddMessage(1, kNow, "k", text);
  batch.AddMessage(2, kNow, "k", good);
  decoder.Decode(batch);
  size_t of_text = 0;
  while (of_text < batch.records() && batch.message_index[of_text] == 0) {
    ++of_text;
  }
  ASSERT_EQ(batch.records(), of_text + 1) << text;
  ASSERT_LE(batch.rejects.size(), 1u) << text;
  const size_t ends = (of_text > 0 ? 1 : 0) + batch.rejects.size() +
                      static_cast<size_t>(batch.skipped);
  ASSERT_EQ(ends, 1u) << text;
  for (size_t row = 0; row < of_text; ++row) {
    ASSERT_FALSE(batch.vehicle_id[row].empty()) << text;
  }
  ASSERT_EQ(batch.vehicle_id[of_text], "good") << text;
  for (const Column& c : batch.columns) {
    ASSERT_EQ(c.state[of_text], CellState::kAbsent) << text;
  }
}

TEST(DatumsModelTest, EveryBrokenMessageEndsInOneWay) {
  const std::string base =
      R"({"data":[{"key":"VehicleSpeed","value":{"stringValue":"3.5"},)"
      R"("t":1769443200000},{"key":"Location","value":{"locationValue":)"
      R"({"latitude":-5.8,"longitude":-35.1}}},{"key":"MilOn","value":)"
      R"({"booleanValue":true},"t":1769443201000},{"key":"EngineRpm","value":)"
      R"({"invalid":true}},{"key":"VehicleSpeed","value":{"stringValue":)"
      R"("\u0034"}}],"createdAt":"2026-01-26T16:00:00Z","vin":"v",)"
      R"("isResend":false})";
  const std::string good =
      R"({"vin":"good","createdAt":1769443200000,"data":[]})";
  std::mt19937_64 random(71);
  for (const char* time_path : {"", "/t"}) {
    DecoderConfig config = DatumsConfig();
    config.datums.time_path = time_path;
    config.signals[kMilOn].on_bad = OnBad::kInvalid;
    config.limits.records_per_message = 6;
    const auto decoder = MakeDecoder(config);
    Batch batch(config.Schema());
    for (size_t size = 0; size <= base.size(); ++size) {
      CheckFate(*decoder, base.substr(0, size), batch, good);
    }
    EXPECT_TRUE(batch.rejects.empty()) << "the whole message is good";
    size_t refused = 0;
    for (int i = 0; i < 10000; ++i) {
      std::string text = Mutate(base, random);
      if (i % 10 == 0) {
        for (char& c : text) c = static_cast<char>(random() % 256);
      }
      CheckFate(*decoder, text, batch, good);
      refused += batch.rejects.size();
      if (testing::Test::HasFailure()) return;
    }
    EXPECT_GT(refused, 3000u);
    EXPECT_LT(refused, 9900u);
  }
}

}  // namespace
}  // namespace tacho
