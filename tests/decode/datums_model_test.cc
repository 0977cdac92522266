// The shape datums beside others: real messages of the Tesla shape against the
// same drives as wide records, and broken copies of them against the rule that
// a message ends as records, as one reject or as skipped.

#include <gtest/gtest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "pipeline/decode/decoder.h"
#include "tests/decode/documents.h"
#include "tests/support/test_lane.h"

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

std::string NameOf(const Twin& twin) { return twin.wide_path + 1; }

SignalSource SourceOf(const Twin& twin) {
  SignalSource source;
  source.signal = {NameOf(twin), twin.type, Dimension::kNone};
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

// By vehicle and record: which signals were valid when last heard of.
using Validity = std::map<std::string, std::vector<std::vector<bool>>>;

// `keeps`: a signal that a record does not mention stays as it was.
Validity ValidityOf(const Batch& batch, bool keeps) {
  Validity drives;
  for (size_t row = 0; row < batch.records(); ++row) {
    auto& drive = drives[std::string(batch.vehicle_id[row])];
    std::vector<bool> now(std::size(kTwins), false);
    if (keeps && !drive.empty()) now = drive.back();
    for (size_t i = 0; i < std::size(kTwins); ++i) {
      // No datum ever says of this one that it is unknown again.
      if (i == kMilOn) continue;
      const CellState state = batch.columns[i].state[row];
      if (keeps && state == CellState::kAbsent) continue;
      now[i] = state == CellState::kValid;
    }
    drive.push_back(std::move(now));
  }
  return drives;
}

// What `last_value` says of every signal after each record, by vehicle.
using Rows = std::map<std::string, std::vector<nlohmann::json>>;

Rows LastValues(const DecoderConfig& config, Batch& batch) {
  std::vector<ParamValue> signals;
  for (const Twin& twin : kTwins) signals.push_back(Param("", NameOf(twin)));
  TestLane lane(config.Schema(),
                {{{"last_value", {Param("signals", std::move(signals))}}}}, {});
  lane.RunDecoded(batch, 0);
  Rows rows;
  for (const std::string& text : lane.Values(TestLane::kFirstSink)) {
    nlohmann::json row = nlohmann::json::parse(text);
    rows[row["vehicle_id"]].push_back(std::move(row));
  }
  return rows;
}

double Number(const nlohmann::json& value) {
  return value.is_boolean() ? static_cast<double>(value.get<bool>())
                            : value.get<double>();
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

  EXPECT_EQ(ValidityOf(batch, true), ValidityOf(wide_batch, false));

  const Rows by_datums = LastValues(DatumsConfig(), batch);
  const Rows by_wide = LastValues(WideConfig(), wide_batch);
  ASSERT_EQ(by_datums.size(), kDrivers.size());
  ASSERT_EQ(by_wide.size(), kDrivers.size());
  size_t compared = 0;
  for (const auto& [driver, rows] : by_wide) {
    const auto& others = by_datums.at(driver);
    ASSERT_EQ(rows.size(), others.size()) << driver;
    for (size_t row = 0; row < rows.size(); ++row) {
      ASSERT_EQ(rows[row]["time"], others[row]["time"]) << driver << " " << row;
      for (const Twin& twin : kTwins) {
        const nlohmann::json& a = rows[row][NameOf(twin)];
        const nlohmann::json& b = others[row][NameOf(twin)];
        ASSERT_EQ(a.is_null(), b.is_null()) << driver << row << twin.wide_path;
        if (a.is_null()) continue;
        ASSERT_NEAR(Number(a), Number(b), std::abs(Number(a)) * 1e-6)
            << driver << " " << row << " " << twin.wide_path;
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
