#include "operators/vehicle_clock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "state/memory_store.h"
#include "tests/support/batch_builder.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class VehicleClockTest : public ::testing::Test {
 protected:
  VehicleClockTest()
      : state_(store_, size_t{1} << 24), clock_(Millis(1000)), batch_({}) {
    clock_.Open(state_);
    CHECK(state_.Load(std::nullopt).ok());
  }

  struct Row {
    const char* vehicle;
    int64_t event_ms;
  };
  void Observe(const std::vector<Row>& rows) {
    batch_.Clear();
    BatchBuilder builder{SignalSchema()};
    for (const Row& row : rows) {
      builder.Add(batch_, {row.vehicle, row.event_ms, {}}, 0);
    }
    CHECK(state_.InternBatch(batch_).ok());
    clock_.Observe(batch_);
  }

  std::vector<int64_t> Millis64(const std::vector<Timestamp>& times) const {
    std::vector<int64_t> out;
    for (size_t i = 0; i < batch_.records(); ++i) {
      out.push_back(ToEpochMillis(times[i]));
    }
    return out;
  }
  // {vehicle time, last seen}
  std::pair<int64_t, int64_t> AsOf(const char* vehicle, int64_t row) {
    const auto times = clock_.AsOf(batch_, state_.Intern(vehicle).value(), row);
    return {ToEpochMillis(times.vehicle_time), ToEpochMillis(times.last_seen)};
  }

  MemoryStore store_;
  LaneState state_;
  VehicleClock clock_;
  Batch batch_;
};

const std::pair<int64_t, int64_t> kNever{ToEpochMillis(kNoTime),
                                         ToEpochMillis(kNoTime)};

TEST_F(VehicleClockTest, TimesAreRunningMaxima) {
  Observe({{"a", 500}, {"b", 300}, {"a", 400}, {"b", 900}, {"a", 700}});

  EXPECT_THAT(Millis64(batch_.partition_time),
              ElementsAre(500, 500, 500, 900, 900));
  EXPECT_THAT(Millis64(batch_.vehicle_time),
              ElementsAre(500, 300, 500, 900, 700));
  EXPECT_THAT(std::vector<int32_t>(batch_.previous_row.begin(),
                                   batch_.previous_row.begin() + 5),
              ElementsAre(-1, -1, 0, 1, 2));
  EXPECT_EQ(clock_.partition_time(), FromEpochMillis(900));
}

TEST_F(VehicleClockTest, AsOfARowKnowsNothingOfLaterRows) {
  Observe({{"a", 100}});
  Observe({{"b", 200}, {"a", 300}, {"b", 250}, {"a", 150}});

  EXPECT_EQ(AsOf("a", -1), std::pair(int64_t{100}, int64_t{100}));
  EXPECT_EQ(AsOf("a", 0), std::pair(int64_t{100}, int64_t{100}));
  EXPECT_EQ(AsOf("a", 1), std::pair(int64_t{300}, int64_t{300}));
  EXPECT_EQ(AsOf("b", -1), kNever);
  EXPECT_EQ(AsOf("b", 0), std::pair(int64_t{200}, int64_t{200}));
  EXPECT_EQ(AsOf("b", 3), std::pair(int64_t{250}, int64_t{300}));
  EXPECT_EQ(AsOf("c", 3), kNever);
}

TEST_F(VehicleClockTest, ANewVehicleStartsFromTheFloor) {
  Observe({{"a", 5000}, {"b", 3500}, {"c", 4500}});

  EXPECT_THAT(Millis64(batch_.vehicle_time), ElementsAre(5000, 4000, 4500));
  EXPECT_THAT(clock_.fresh_rows(), ElementsAre(0U, 1U, 2U));
}

TEST_F(VehicleClockTest, AVehicleIsForgottenExactlyAtTheLimit) {
  Observe({{"a", 1000}, {"b", 1999}, {"a", 900}});
  EXPECT_THAT(Millis64(batch_.vehicle_time), ElementsAre(1000, 1999, 1000));
  EXPECT_THAT(clock_.fresh_rows(), ElementsAre(0U, 1U));

  // Last seen is 1999, when the partition was there.
  Observe({{"b", 2998}, {"a", 1500}, {"b", 3998}, {"a", 2000}});
  EXPECT_THAT(Millis64(batch_.vehicle_time),
              ElementsAre(2998, 1500, 3998, 2998));
  EXPECT_THAT(clock_.fresh_rows(), ElementsAre(2U, 3U));
}

TEST_F(VehicleClockTest, AnAdvanceCountsForTheNextBatch) {
  Observe({{"a", 1000}});
  clock_.SetPartitionTime(FromEpochMillis(2000));
  Observe({{"a", 500}});

  EXPECT_THAT(Millis64(batch_.partition_time), ElementsAre(2000));
  EXPECT_THAT(Millis64(batch_.vehicle_time), ElementsAre(1000));
  EXPECT_THAT(clock_.fresh_rows(), ElementsAre(0U));
}

TEST_F(VehicleClockTest, AnEmptyBatchMovesNothing) {
  Observe({{"a", 1000}});
  Observe({});

  EXPECT_EQ(clock_.partition_time(), FromEpochMillis(1000));
  EXPECT_THAT(clock_.fresh_rows(), IsEmpty());
  EXPECT_EQ(AsOf("a", -1), std::pair(int64_t{1000}, int64_t{1000}));
}

TEST_F(VehicleClockTest, AVehiclesTimeNeverGoesBack) {
  std::mt19937 random(5);
  std::map<std::string, int64_t> seen;
  int64_t now = 0;
  for (int batch = 0; batch < 300; ++batch) {
    std::vector<Row> rows;
    static constexpr const char* kNames[] = {"a", "b", "c", "d"};
    for (int i = 0; i < 9; ++i) {
      now += static_cast<int64_t>(random() % 200);
      if (random() % 30 == 0) now += 1500;
      rows.push_back(
          {kNames[random() % 4], now - static_cast<int64_t>(random() % 1800)});
    }
    Observe(rows);
    for (size_t i = 0; i < rows.size(); ++i) {
      const int64_t time = ToEpochMillis(batch_.vehicle_time[i]);
      const auto known = seen.find(rows[i].vehicle);
      if (known != seen.end()) {
        ASSERT_GE(time, known->second);
      }
      ASSERT_GE(time, rows[i].event_ms);
      seen[rows[i].vehicle] = time;
    }
  }
}

}  // namespace
}  // namespace tacho
