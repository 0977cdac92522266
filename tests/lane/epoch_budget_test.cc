#include "pipeline/lane/epoch_budget.h"

#include <gtest/gtest.h>

namespace tacho {
namespace {

TEST(EpochBudgetTest, TheEpochBeingBuiltFillsIt) {
  EpochBudget budget(100);
  EpochAccount one(budget);
  EpochAccount two(budget);

  one.SetBuilding(60);
  EXPECT_FALSE(budget.Full());
  two.SetBuilding(40);
  EXPECT_TRUE(budget.Full());
  one.SetBuilding(0);
  EXPECT_FALSE(budget.Full());
}

TEST(EpochBudgetTest, WhatIsOnItsWayOutFillsItToo) {
  EpochBudget budget(100);
  EpochAccount one(budget);
  EpochAccount two(budget);
  one.SetLeaving(150);
  EXPECT_FALSE(budget.Full());
  two.SetBuilding(50);
  EXPECT_TRUE(budget.Full());
  one.SetLeaving(0);
  EXPECT_FALSE(budget.Full());
}

TEST(EpochBudgetTest, ALaneThatGoesGivesBackWhatItHeld) {
  EpochBudget budget(100);
  {
    EpochAccount gone(budget);
    gone.SetBuilding(70);
    gone.SetLeaving(80);
    EXPECT_EQ(budget.used(), 150u);
  }
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_FALSE(budget.Full());
}

TEST(EpochBudgetTest, ASmallerOneIsFullSooner) {
  EpochBudget budget(100);
  EpochAccount lane(budget);
  lane.SetBuilding(60);
  budget.SetBytes(50);
  EXPECT_TRUE(budget.Full());
}

}  // namespace
}  // namespace tacho
