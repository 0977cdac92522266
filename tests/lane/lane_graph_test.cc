#include "pipeline/lane/lane_graph.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace tacho {
namespace {

// A lane whose turns the test writes; notes whether two ran at once.
class FakeTask final : public LaneTask {
 public:
  explicit FakeTask(std::function<bool()> turn) : turn_(std::move(turn)) {}

  bool RunTurn(Batch& batch) noexcept override {
    if (inside_.exchange(true)) overlapped_ = true;
    if (!batch.empty()) dirty_batch_ = true;
    batch.AddMessage(0, kNoLogTime, "k", "v");
    const bool more = turn_();
    ++turns_;
    inside_ = false;
    return more;
  }

  int turns() const { return turns_; }
  bool overlapped() const { return overlapped_; }
  bool dirty_batch() const { return dirty_batch_; }

 private:
  std::function<bool()> turn_;
  std::atomic<int> turns_{0};
  std::atomic<bool> inside_{false};
  std::atomic<bool> overlapped_{false};
  std::atomic<bool> dirty_batch_{false};
};

// Runs `work` in the node and waits for it.
void PostAndWait(
    LaneGraph& graph, LaneGraph::Node* node,
    const std::function<void()>& work = [] {}) {
  std::latch done(1);
  graph.Post(node, [&] {
    work();
    done.count_down();
  });
  done.wait();
}

TEST(LaneGraphTest, OneScheduleIsOneTurn) {
  LaneGraph graph(2, SignalSchema());
  std::latch ran(1);
  FakeTask task([&] {
    ran.count_down();
    return false;
  });
  LaneGraph::Node* const node = graph.Attach(task);

  graph.Schedule(node);
  ran.wait();
  graph.Detach(node);

  EXPECT_EQ(task.turns(), 1);
}

TEST(LaneGraphTest, ATaskThatHasMoreGetsTurnsUntilItHasNot) {
  LaneGraph graph(2, SignalSchema());
  std::latch ran(100);
  int left = 100;
  FakeTask task([&] {
    ran.count_down();
    return --left > 0;
  });
  LaneGraph::Node* const node = graph.Attach(task);

  graph.Schedule(node);
  ran.wait();
  graph.Detach(node);

  EXPECT_EQ(task.turns(), 100);
  EXPECT_FALSE(task.dirty_batch());
}

TEST(LaneGraphTest, ALaneIsNeverRunByTwoThreads) {
  LaneGraph graph(4, SignalSchema());
  constexpr int kTurns = 20000;
  std::atomic<int> scheduled{0};
  FakeTask task([&] { return scheduled < kTurns; });
  LaneGraph::Node* const node = graph.Attach(task);
  std::atomic<int> posted{0};
  int unguarded = 0;  // Only ever touched inside the node.

  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kTurns / 4; ++i) {
        graph.Schedule(node);
        ++scheduled;
        if (i % 16 == 0) {
          graph.Post(node, [&] {
            ++unguarded;
            ++posted;
          });
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  PostAndWait(graph, node);
  graph.Detach(node);

  EXPECT_FALSE(task.overlapped());
  EXPECT_EQ(unguarded, posted);
  EXPECT_GT(task.turns(), 0);
}

// The look after the flag is cleared: whatever is asked for is given.
TEST(LaneGraphTest, NoScheduleIsLost) {
  LaneGraph graph(2, SignalSchema());
  std::atomic<int> available{0};
  std::atomic<int> taken{0};
  FakeTask task([&] {
    taken += available.exchange(0);
    return false;
  });
  LaneGraph::Node* const node = graph.Attach(task);

  for (int i = 1; i <= 20000; ++i) {
    ++available;
    graph.Schedule(node);
    if (i % 100 == 0) {
      while (taken < i) std::this_thread::yield();
    }
  }
  graph.Detach(node);

  EXPECT_EQ(taken, 20000);
}

// One thread, three lanes that are always ready: they take turns.
TEST(LaneGraphTest, FullLanesTakeTurnsOnOneThread) {
  LaneGraph graph(1, SignalSchema());
  std::vector<int> order;  // One thread writes it.
  std::latch started(1);
  std::latch ran(1);
  constexpr size_t kTurns = 300;
  std::vector<std::unique_ptr<FakeTask>> tasks;
  std::vector<LaneGraph::Node*> nodes;
  for (int lane = 0; lane < 3; ++lane) {
    tasks.push_back(std::make_unique<FakeTask>([&, lane] {
      if (order.empty()) started.wait();  // Until all three are ready.
      if (order.size() == kTurns) return false;
      order.push_back(lane);
      if (order.size() == kTurns) ran.count_down();
      return true;
    }));
    nodes.push_back(graph.Attach(*tasks.back()));
  }

  for (LaneGraph::Node* node : nodes) graph.Schedule(node);
  started.count_down();
  ran.wait();
  for (LaneGraph::Node* node : nodes) graph.Detach(node);

  for (size_t i = 3; i < kTurns; ++i) {
    ASSERT_EQ(order[i], order[i - 3]) << "turn " << i;
  }
  EXPECT_EQ(std::count(order.begin(), order.end(), 0), 100);
}

TEST(LaneGraphTest, PostedWorkIsDoneInOrderAlsoUnderAFullLane) {
  LaneGraph graph(2, SignalSchema());
  std::atomic<bool> full{true};
  FakeTask task([&] { return full.load(); });
  LaneGraph::Node* const node = graph.Attach(task);
  graph.Schedule(node);
  std::vector<int> order;

  for (int i = 0; i < 1000; ++i) {
    graph.Post(node, [&, i] { order.push_back(i); });
  }
  PostAndWait(graph, node);
  full = false;
  graph.Detach(node);

  ASSERT_EQ(order.size(), 1000u);
  EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST(LaneGraphTest, DetachWaitsForTheTurnAndAllowsNoOther) {
  LaneGraph graph(2, SignalSchema());
  for (int round = 0; round < 200; ++round) {
    std::atomic<bool> running{false};
    auto task = std::make_unique<FakeTask>([&] {
      running = true;
      for (int i = 0; i < 100; ++i) std::this_thread::yield();
      running = false;
      return true;
    });
    LaneGraph::Node* const node = graph.Attach(*task);
    graph.Schedule(node);

    graph.Detach(node);

    ASSERT_FALSE(running);
    const int turns = task->turns();
    PostAndWait(graph, node);
    ASSERT_EQ(task->turns(), turns);
    task.reset();  // A turn from here on would be a use after free.
  }
}

TEST(LaneGraphTest, ADetachedNodeServesTheNextLane) {
  LaneGraph graph(2, SignalSchema());
  FakeTask first([] { return false; });
  LaneGraph::Node* const node = graph.Attach(first);
  graph.Schedule(node);
  graph.Detach(node);
  std::latch ran(1);
  FakeTask second([&] {
    ran.count_down();
    return false;
  });

  LaneGraph::Node* const again = graph.Attach(second);
  graph.Schedule(again);
  ran.wait();
  graph.Detach(again);

  EXPECT_EQ(again, node);
  EXPECT_EQ(second.turns(), 1);
}

TEST(LaneGraphTest, LanesRunSideBySide) {
  LaneGraph graph(2, SignalSchema());
  std::latch both(2);
  const auto meet = [&] {
    both.arrive_and_wait();  // Only possible if both run at once.
    return false;
  };
  FakeTask a(meet);
  FakeTask b(meet);
  LaneGraph::Node* const node_a = graph.Attach(a);
  LaneGraph::Node* const node_b = graph.Attach(b);

  graph.Schedule(node_a);
  graph.Schedule(node_b);
  both.wait();
  graph.Detach(node_a);
  graph.Detach(node_b);

  EXPECT_EQ(a.turns() + b.turns(), 2);
}

}  // namespace
}  // namespace tacho
