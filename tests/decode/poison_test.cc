// Every line of poison.ndjson, under the configuration that its README states,
// ends as the line says; so does a good message after each of them.

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "pipeline/decode/decoder.h"
#include "tests/support/poison_file.h"

namespace tacho {
namespace {

using nlohmann::json;
using poison::FromBase64;
using poison::PoisonLines;
using poison::ValueOf;

DecoderConfig PoisonConfig() {
  DecoderConfig config;
  config.vehicle_path = "/vehicle_id";
  config.event_time.path = "/ts";
  config.event_time.format = EventTimeFormat::kEpochMillis;
  config.event_time.max_future_skew = std::chrono::hours(24);
  config.tombstones = Tombstones::kReject;
  const auto add = [&](const char* name, const char* path, double min,
                       double max) {
    SignalSource source;
    source.signal = {name, SignalType::kDouble, Dimension::kNone};
    source.path = path;
    source.min = min;
    source.max = max;
    config.signals.push_back(source);
  };
  add("lat", "/lat", -90, 90);
  add("lon", "/lon", -180, 180);
  add("speed", "/speed_kmph", 0, 400);
  return config;
}

// 2026-11-23, when the file was current.
constexpr Timestamp kNow = FromEpochMillis(1795392000000);
constexpr char kGood[] = R"({"vehicle_id":"g","ts":1769443200000})";

void Add(Batch& batch, const json& line) {
  std::string key;
  const bool has_key = line.contains("key_base64") || !line["key"].is_null();
  if (line.contains("key_base64")) {
    key = FromBase64(line["key_base64"]);
  } else if (has_key) {
    key = line["key"];
  }
  const std::optional<std::string> value = ValueOf(line);
  batch.AddMessage(0, kNow,
                   has_key ? std::string_view(key) : std::string_view(),
                   value ? std::string_view(*value) : std::string_view());
}

TEST(PoisonTest, EveryMessageEndsAsItsLineSays) {
  const std::vector<json> lines = PoisonLines();
  if (lines.empty()) GTEST_SKIP() << "../shared/data/poison.ndjson is absent";
  ASSERT_GT(lines.size(), 100u);
  const DecoderConfig config = PoisonConfig();
  Batch batch(config.Schema());
  const auto decoder = MakeDecoder(config);
  int not_first_choice = 0;
  for (const json& line : lines) {
    batch.Clear();
    Add(batch, line);
    batch.AddMessage(1, kNow, "g", kGood);
    decoder->Decode(batch);
    const std::string verdict = batch.rejects.empty()
                                    ? "accepted"
                                    : RejectReasonName(batch.rejects[0].reason);
    std::set<std::string> allowed = {line["expect"]};
    for (const json& other : line.value("also_ok", json::array())) {
      allowed.insert(other);
    }
    EXPECT_TRUE(allowed.contains(verdict)) << line["name"] << ": " << verdict;
    if (verdict != line["expect"].get<std::string>()) ++not_first_choice;
    ASSERT_EQ(batch.records() + batch.rejects.size(), 2u) << line["name"];
    EXPECT_EQ(batch.vehicle_id[batch.records() - 1], "g") << line["name"];
  }
  EXPECT_LE(not_first_choice, 2);
}

TEST(PoisonTest, AllMessagesInOneBatchEndAsTheyDoAlone) {
  const std::vector<json> lines = PoisonLines();
  if (lines.empty()) GTEST_SKIP() << "../shared/data/poison.ndjson is absent";
  const DecoderConfig config = PoisonConfig();
  Batch together(config.Schema());
  Batch alone(config.Schema());
  const auto decoder = MakeDecoder(config);
  std::vector<Reject> expected;
  for (size_t i = 0; i < lines.size(); ++i) {
    Add(together, lines[i]);
    alone.Clear();
    Add(alone, lines[i]);
    decoder->Decode(alone);
    if (alone.rejects.empty()) continue;
    expected.push_back({static_cast<uint32_t>(i), alone.rejects[0].reason});
  }
  decoder->Decode(together);
  ASSERT_EQ(together.rejects.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {
    EXPECT_EQ(together.rejects[i].message, expected[i].message);
    EXPECT_EQ(together.rejects[i].reason, expected[i].reason);
  }
}

TEST(PoisonTest, AcceptedValuesAreTheOnesMeant) {
  const std::vector<json> lines = PoisonLines();
  if (lines.empty()) GTEST_SKIP() << "../shared/data/poison.ndjson is absent";
  const DecoderConfig config = PoisonConfig();
  const auto decoder = MakeDecoder(config);
  Batch batch(config.Schema());
  const auto decoded = [&](const char* name) -> const Batch& {
    batch.Clear();
    for (const json& line : lines) {
      if (line["name"] == name) Add(batch, line);
    }
    decoder->Decode(batch);
    EXPECT_EQ(batch.records(), 1u) << name;
    return batch;
  };
  EXPECT_EQ(decoded("time_iso_offset").event_time[0],
            FromEpochMillis(1769443200123));
  EXPECT_EQ(decoded("time_as_exponent").event_time[0],
            FromEpochMillis(1769443200000));
  EXPECT_EQ(decoded("escaped_nul_in_id").vehicle_id[0],
            std::string_view("p\0001", 3));
  EXPECT_EQ(decoded("duplicate_id").vehicle_id[0], "p-1");
  EXPECT_EQ(decoded("duplicate_key_other_value").columns[2].doubles[0], 48.0);
  EXPECT_EQ(decoded("exponent_speed").columns[2].doubles[0], 48.0);
  EXPECT_EQ(decoded("speed_1e_minus_400").columns[2].doubles[0], 0.0);
  EXPECT_EQ(decoded("speed_null").columns[2].state[0], CellState::kNull);
  EXPECT_EQ(decoded("kafka_key_not_the_id").vehicle_id[0], "p-1");
}

}  // namespace
}  // namespace tacho
