#include "pipeline/demo/fleet.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>

namespace tacho {
namespace {

using nlohmann::json;

FleetOptions Options(uint64_t seed) {
  FleetOptions options;
  options.seed = seed;
  options.vehicles = 7;
  options.start = FromEpochMillis(1700000000000);
  return options;
}

std::string Bytes(const FleetOptions& options, int messages) {
  Fleet fleet(options);
  std::string all;
  for (int i = 0; i < messages; ++i) {
    const Fleet::Sample& sample = fleet.Next();
    all += sample.key + '\t' + sample.value + '\n';
  }
  return all;
}

TEST(FleetTest, TheSameSeedGivesTheSameBytes) {
  EXPECT_EQ(Bytes(Options(5), 5000), Bytes(Options(5), 5000));
  EXPECT_NE(Bytes(Options(5), 100), Bytes(Options(6), 100));
}

TEST(FleetTest, VehiclesSendInTurnAndTimeMovesAfterEachRound) {
  Fleet fleet(Options(1));
  for (int i = 0; i < 70; ++i) {
    EXPECT_EQ(fleet.now(), Options(1).start + Millis(1000) * (i / 7));
    EXPECT_EQ(fleet.Next().key, "TACHO00000000000" + std::to_string(i % 7));
  }
}

TEST(FleetTest, SharesOfLateAndBrokenMessagesAreTheOnesAskedFor) {
  FleetOptions options = Options(2);
  options.late_per_mille = 50;
  options.bad_per_mille = 20;
  Fleet fleet(options);
  int late = 0;
  int bad = 0;
  for (int i = 0; i < 20000; ++i) {
    const int64_t now = ToEpochMillis(fleet.now());
    const Fleet::Sample& sample = fleet.Next();
    const json doc = json::parse(sample.value, nullptr, false);
    if (doc.is_discarded()) {
      ++bad;
      continue;
    }
    EXPECT_EQ(doc["vehicle_id"], sample.key);
    if (doc["ts"] != now) {
      EXPECT_EQ(doc["ts"], now - 300000);
      ++late;
    }
  }
  EXPECT_NEAR(late, 1000, 150);
  EXPECT_NEAR(bad, 400, 100);
}

TEST(FleetTest, MessagesHaveTheFieldsAndRangesOfTheShippedJobs) {
  FleetOptions options = Options(3);
  options.bad_per_mille = 0;
  Fleet fleet(options);
  std::map<std::string, double> odometer;
  size_t bytes = 0;
  double fastest = 0;
  for (int i = 0; i < 20000; ++i) {
    const Fleet::Sample& sample = fleet.Next();
    const json doc = json::parse(sample.value);
    ASSERT_EQ(doc.size(), 13u);
    const double speed = doc["speed_kmph"];
    EXPECT_GE(speed, 0);
    EXPECT_LE(speed, 160);
    fastest = std::max(fastest, speed);
    EXPECT_GE(doc["odometer_km"], odometer[sample.key]);
    odometer[sample.key] = doc["odometer_km"];
    EXPECT_TRUE(doc["ignition"].is_boolean());
    EXPECT_TRUE(doc["status"].is_string());
    bytes += sample.value.size();
  }
  EXPECT_GT(fastest, 120);  // Something to alert about.
  EXPECT_NEAR(static_cast<double>(bytes) / 20000, 290, 60);
}

}  // namespace
}  // namespace tacho
