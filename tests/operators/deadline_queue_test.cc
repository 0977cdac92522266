#include "operators/deadline_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace tacho {
namespace {

Timestamp At(int64_t ms) { return FromEpochMillis(ms); }

TEST(DeadlineQueueTest, NothingIsDueWhenItIsEmpty) {
  DeadlineQueue queue;
  EXPECT_FALSE(queue.Due(kEndOfTime));
}

TEST(DeadlineQueueTest, ABoundIsDueExactlyWhenItIsReached) {
  DeadlineQueue queue;
  queue.Add(3, At(10));
  EXPECT_FALSE(queue.Due(At(9)));
  EXPECT_TRUE(queue.Due(At(10)));
  EXPECT_EQ(queue.Pop(), 3U);
  EXPECT_FALSE(queue.Due(kEndOfTime));
}

TEST(DeadlineQueueTest, AQueuedVehicleIsNotQueuedAgain) {
  DeadlineQueue queue;
  queue.Add(3, At(10));
  queue.Add(3, At(20));
  EXPECT_EQ(queue.size(), 1U);
  queue.Pop();
  queue.Add(3, At(20));
  EXPECT_FALSE(queue.Due(At(19)));
}

TEST(DeadlineQueueTest, PopsInOrderOfBounds) {
  std::mt19937 random(1);
  DeadlineQueue queue;
  std::map<VehicleIndex, int64_t> bounds;
  for (VehicleIndex v = 0; v < 500; ++v) {
    bounds[v] = static_cast<int64_t>(random() % 1000);
    queue.Add(v, At(bounds[v]));
  }
  int64_t last = -1;
  for (size_t i = 0; i < 500; ++i) {
    ASSERT_TRUE(queue.Due(At(1000)));
    const VehicleIndex v = queue.Pop();
    ASSERT_GE(bounds.at(v), last);
    last = bounds.at(v);
    bounds.erase(v);
  }
  EXPECT_TRUE(bounds.empty());
}

}  // namespace
}  // namespace tacho
