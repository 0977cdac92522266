#include "pipeline/worker/lane_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <utility>
#include <vector>

#include "tests/support/take_over_world.h"
#include "tests/support/worker_harness.h"

namespace tacho {
namespace {

using ::testing::IsEmpty;

class LaneSetTest : public ::testing::Test {
 protected:
  // A lane whose state is loaded, and that has ten messages before it.
  std::unique_ptr<Lane> Make(int32_t partition) {
    world_.tp.partition = partition;
    world_.Append(10);
    auto taken = world_.TakeOver();
    EXPECT_TRUE(taken.ok()) << taken.status().ToString();
    return std::move(taken->lane);
  }

  TakeOverWorld world_{TestJobYaml("")};
  LaneGraph graph_{2, world_.job.schema};
};

TEST_F(LaneSetTest, ALaneTakesItsTurnsFromRunOn) {
  LaneSet lanes(graph_);
  LaneSet::Entry& entry = lanes.Add(Make(0), {});
  EXPECT_FALSE(entry.running);
  EXPECT_EQ(entry.lane->next_offset(), 0);

  lanes.Run(entry);

  EXPECT_TRUE(entry.running);
  EXPECT_TRUE(WaitUntil([&] { return entry.lane->next_offset() == 10; }));
  // And when there are more.
  world_.Append(5);
  world_.member.Poke();
  EXPECT_TRUE(WaitUntil([&] { return entry.lane->next_offset() == 15; }));
}

TEST_F(LaneSetTest, WorkIsPostedToALaneThatDoesNotRun) {
  LaneSet lanes(graph_);
  LaneSet::Entry& entry = lanes.Add(Make(0), {});
  std::latch done(1);

  graph_.Post(entry.node, [&] { done.count_down(); });

  done.wait();
  EXPECT_EQ(entry.lane->next_offset(), 0);
}

TEST_F(LaneSetTest, FindsLanesByTheirPartition) {
  LaneSet lanes(graph_);
  EXPECT_TRUE(lanes.empty());
  lanes.Add(Make(0), {});
  lanes.Add(Make(2), {});

  ASSERT_NE(lanes.Find({"in", 2}), nullptr);
  EXPECT_EQ(lanes.Find({"in", 2})->lane->tp().partition, 2);
  EXPECT_EQ(lanes.Find({"in", 1}), nullptr);
  EXPECT_EQ(lanes.entries().size(), 2u);
  int visited = 0;
  lanes.ForEach([&](Lane&) { ++visited; });
  EXPECT_EQ(visited, 2);
}

TEST_F(LaneSetTest, StoppedLanesProcessNothingMore) {
  LaneSet lanes(graph_);
  LaneSet::Entry& entry = lanes.Add(Make(0), {});
  lanes.Run(entry);
  ASSERT_TRUE(WaitUntil([&] { return entry.lane->next_offset() == 10; }));

  lanes.StopAll();
  world_.Append(5);
  world_.member.Poke();
  std::latch turned(1);
  graph_.Post(entry.node, [&] { turned.count_down(); });
  turned.wait();

  EXPECT_EQ(entry.lane->next_offset(), 10);
}

// As a revoke leaves them: their stores stay open.
TEST_F(LaneSetTest, TakenLanesAreIdleAndOpen) {
  LaneSet lanes(graph_);
  lanes.Run(lanes.Add(Make(0), {}));
  lanes.Run(lanes.Add(Make(1), {}));

  auto taken = lanes.TakeAll();

  EXPECT_TRUE(lanes.empty());
  ASSERT_EQ(taken.size(), 2u);
  EXPECT_EQ(world_.stores.open().size(), 2u);
  world_.member.Poke();  // Reaches nobody.
  Batch batch(world_.job.schema);
  EXPECT_FALSE(taken[0]->RunTurn(batch));
  CloseLanes(std::move(taken));
  EXPECT_THAT(world_.stores.open(), IsEmpty());
}

TEST_F(LaneSetTest, CloseAllClosesEveryStoreOnce) {
  LaneSet lanes(graph_);
  for (int32_t p = 0; p < 4; ++p) lanes.Run(lanes.Add(Make(p), {}));

  lanes.CloseAll();
  lanes.CloseAll();

  EXPECT_TRUE(lanes.empty());
  EXPECT_THAT(world_.stores.open(), IsEmpty());
}

TEST_F(LaneSetTest, ANodeThatWasLeftServesTheNextLane) {
  {
    LaneSet lanes(graph_);
    lanes.Run(lanes.Add(Make(0), {}));
  }
  EXPECT_THAT(world_.stores.open(), IsEmpty());
  LaneSet lanes(graph_);

  LaneSet::Entry& entry = lanes.Add(Make(0), {});
  lanes.Run(entry);

  EXPECT_TRUE(WaitUntil([&] { return entry.lane->next_offset() == 20; }));
}

}  // namespace
}  // namespace tacho
