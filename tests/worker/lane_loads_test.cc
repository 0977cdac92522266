#include "pipeline/worker/lane_loads.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstddef>
#include <latch>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/worker_harness.h"

namespace tacho {
namespace {

class NoTurns final : public LaneTask {
 public:
  bool RunTurn(Batch& /*batch*/) noexcept override { return false; }
};

// Places in a graph, and loads that last until they are let go.
class LaneLoadsTest : public ::testing::Test {
 protected:
  // Told apart by their addresses; never called.
  const EpochDriver& driver(int i) const {
    return reinterpret_cast<const EpochDriver&>(drivers_[i]);
  }

  void Add(uint64_t ticket, int of_driver = 0) {
    auto& entry = entries_.emplace_back(std::make_unique<LaneSet::Entry>());
    entry->node = graph_.Attach(task_);
    entry->claim.driver = const_cast<EpochDriver*>(&driver(of_driver));
    entry->claim.ticket = ticket;
    loads_.Add(*entry, [this, ticket] {
      ++begun_;
      last_ = ticket;
      while (!released_) std::this_thread::yield();
      ++ended_;
    });
  }
  bool Begun(int count) {
    return WaitUntil([&] { return begun_ == count; });
  }
  void TearDown() override {
    released_ = true;
    for (const auto& entry : entries_) graph_.Detach(entry->node);
  }

  SignalSchema schema_ = WorkerHarness(1).job.schema;
  NoTurns task_;
  std::max_align_t drivers_[2] = {};
  std::vector<std::unique_ptr<LaneSet::Entry>> entries_;
  std::atomic<bool> released_{false};
  std::atomic<int> begun_{0};
  std::atomic<int> ended_{0};
  std::atomic<uint64_t> last_{0};
  LaneGraph graph_{3, schema_};
  LaneLoads loads_{graph_};
};

TEST_F(LaneLoadsTest, LeavesAThreadOfTheGraphToOthers) {
  EXPECT_EQ(LaneLoads::LimitFor(1), 1u);
  EXPECT_EQ(LaneLoads::LimitFor(2), 1u);
  EXPECT_EQ(LaneLoads::LimitFor(3), 2u);
  for (uint64_t ticket = 1; ticket <= 5; ++ticket) Add(ticket);
  ASSERT_TRUE(Begun(2));

  NoTurns ready;
  LaneGraph::Node* const node = graph_.Attach(ready);
  std::atomic<bool> frozen{false};
  graph_.Post(node, [&] { frozen = true; });

  EXPECT_TRUE(WaitUntil([&] { return frozen.load(); }));
  EXPECT_EQ(begun_, 2);
  graph_.Detach(node);
}

TEST_F(LaneLoadsTest, TheNextBeginsWhenOneHasEndedInOrder) {
  for (uint64_t ticket = 1; ticket <= 4; ++ticket) Add(ticket);
  ASSERT_TRUE(Begun(2));
  released_ = true;
  ASSERT_TRUE(WaitUntil([&] { return ended_ == 2; }));
  EXPECT_EQ(begun_, 2) << "nobody has said that they have ended";

  loads_.Ended(1);
  ASSERT_TRUE(Begun(3));
  EXPECT_EQ(last_, 3u);
  loads_.Ended(1);  // Said twice: it is no other's end.
  EXPECT_EQ(begun_, 3);
  loads_.Ended(2);
  ASSERT_TRUE(Begun(4));
  EXPECT_EQ(last_, 4u);
}

TEST_F(LaneLoadsTest, WhatIsForgottenIsNotBegunAndHoldsUpNothing) {
  Add(1);
  Add(2);
  Add(3);
  Add(4, /*of_driver=*/1);
  ASSERT_TRUE(Begun(2));
  released_ = true;
  ASSERT_TRUE(WaitUntil([&] { return ended_ == 2; }));

  loads_.Forget(driver(0));
  loads_.Ended(1);  // Too late, and of no consequence.

  ASSERT_TRUE(Begun(3));
  EXPECT_EQ(last_, 4u);
}

}  // namespace
}  // namespace tacho
