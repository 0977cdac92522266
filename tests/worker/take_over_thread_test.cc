#include "pipeline/worker/take_over_thread.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/take_over_world.h"
#include "tests/support/worker_harness.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

// One thread over a world with no state in it: each partition starts where the
// group says, unless the test holds it up.
class TakeOverThreadTest : public ::testing::Test {
 protected:
  // Of its own: who has none asks for those of the whole topic.
  void SetUp() override {
    OffsetMetadata start;
    start.job = "test-job";
    for (int32_t p = 0; p < TakeOverWorld::kPartitions; ++p) {
      world_.tp.partition = p;
      world_.SetCommitted(0, start);
    }
  }

  TakeOverThread& Start(Millis patience = Millis(60000)) {
    TakeOverThread::Events events;
    events.on_opened = [this](TakenOverLane taken) {
      const std::lock_guard lock(mutex_);
      opened_[taken.lane->tp().partition] = std::move(taken);
      changed_.notify_all();
    };
    events.on_failed = [this](const TopicPartition& tp, Status status) {
      const std::lock_guard lock(mutex_);
      failed_[tp.partition] = std::move(status);
      changed_.notify_all();
    };
    thread_ = std::make_unique<TakeOverThread>(world_.Context(), patience,
                                               std::move(events));
    return *thread_;
  }

  void Open(std::vector<int32_t> partitions, uint64_t ticket = 1) {
    std::vector<TakeOverRequest> requests;
    for (const int32_t partition : partitions) {
      world_.tp.partition = partition;
      requests.push_back(world_.Request(ticket));
    }
    thread_->Open(std::move(requests));
  }

  // Waits until so many lanes are opened, and as many have failed.
  bool Await(size_t opened, size_t failed = 0) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      return opened_.size() >= opened && failed_.size() >= failed;
    });
  }

  void Unstable(int32_t partition, bool open) {
    const std::lock_guard lock(world_.log.mutex);
    if (open) {
      world_.log.unstable.insert({"in", partition});
    } else {
      world_.log.unstable.erase({"in", partition});
    }
  }

  void TearDown() override {
    thread_.reset();
    for (auto& [partition, taken] : opened_) {
      EXPECT_TRUE(taken.lane->Close().ok());
    }
    EXPECT_THAT(world_.stores.open(), IsEmpty());
  }

  TakeOverWorld world_{ExactlyOnceYaml()};
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<int32_t, TakenOverLane> opened_;
  std::map<int32_t, Status> failed_;
  std::unique_ptr<TakeOverThread> thread_;
};

TEST_F(TakeOverThreadTest, OpensAllThatItIsAskedForWithTheirTickets) {
  Start();

  Open({0, 1, 2}, 7);
  Open({3}, 8);

  ASSERT_TRUE(Await(4));
  for (const auto& [partition, taken] : opened_) {
    EXPECT_EQ(taken.ticket, partition == 3 ? 8u : 7u);
    EXPECT_EQ(taken.start, 0);
  }
  EXPECT_THAT(failed_, IsEmpty());
}

TEST_F(TakeOverThreadTest, OneThatMustWaitHoldsUpNoOther) {
  Unstable(2, true);
  Start();
  Open({0, 1, 2, 3});

  ASSERT_TRUE(Await(3));
  EXPECT_FALSE(opened_.contains(2));
  Unstable(2, false);
  // What fails is asked again a moment later.
  ASSERT_TRUE(WaitUntil([&] {
    world_.clock.Advance(Millis(60));
    const std::lock_guard lock(mutex_);
    return opened_.contains(2);
  }));
}

TEST_F(TakeOverThreadTest, OneThatFailsForGoodHoldsUpNoOther) {
  world_.tp.partition = 1;
  world_.SetCommitted(5, [] {
    OffsetMetadata metadata;
    metadata.origin = OffsetMetadata::Origin::kEpoch;
    metadata.epoch = 3;
    metadata.writer_id = "w";
    metadata.published = 5;
    metadata.job = "test-job";
    return metadata;
  }());  // And its changelog is empty.
  Start();

  Open({0, 1, 2});

  ASSERT_TRUE(Await(2, 1));
  EXPECT_EQ(failed_.at(1).code(), StatusCode::kCorruption);
  EXPECT_THAT(failed_.at(1).message(), HasSubstr("take-over of in/1"));
}

TEST_F(TakeOverThreadTest, PatienceEndsWhatDoesNotPass) {
  Unstable(0, true);  // And nobody says that a transaction is why.
  Start(Millis(5000));
  Open({0});

  ASSERT_TRUE(WaitUntil([&] {
    world_.clock.Advance(Millis(100));
    const std::lock_guard lock(mutex_);
    return !failed_.empty();
  }));

  EXPECT_TRUE(failed_.at(0).retryable());
}

TEST_F(TakeOverThreadTest, ATransactionOfSomebodyElseIsWaitedForAndSaid) {
  Unstable(0, true);
  world_.partitions.hold = TransactionHold{{"__consumer_offsets", 3}, 7, 9, {}};
  TakeOverThread& thread = Start(Millis(60000));
  Open({0});

  ASSERT_TRUE(WaitUntil([&] {
    world_.clock.Advance(Millis(1000));
    return thread.held_up() == 1 && thread.blocked();
  }));
  world_.clock.Advance(Millis(10 * 60000));  // Beyond all patience.
  EXPECT_THAT(thread.WaitingFor(), HasSubstr("transaction in/0"));
  EXPECT_THAT(failed_, IsEmpty());
  Unstable(0, false);
  ASSERT_TRUE(WaitUntil([&] {
    world_.clock.Advance(Millis(1000));
    const std::lock_guard lock(mutex_);
    return opened_.contains(0);
  }));
  ASSERT_TRUE(WaitUntil([&] { return thread.held_up() == 0; }));
}

TEST_F(TakeOverThreadTest, CancelLeavesNothingUnderWay) {
  Unstable(1, true);
  TakeOverThread& thread = Start();
  Open({0, 1});
  ASSERT_TRUE(Await(1));

  thread.Cancel();

  EXPECT_EQ(thread.WaitingFor(), "");
  Unstable(1, false);
  Open({1}, 2);
  ASSERT_TRUE(Await(2));
  EXPECT_EQ(opened_.at(1).ticket, 2u);  // Never the one that was given up.
  EXPECT_THAT(failed_, IsEmpty());
}

TEST_F(TakeOverThreadTest, CancelWithNothingToDoReturns) {
  TakeOverThread& thread = Start();

  thread.Cancel();
  thread.Cancel();

  EXPECT_EQ(thread.WaitingFor(), "");
}

TEST_F(TakeOverThreadTest, CancelBringsBackASuspendedLanesStore) {
  world_.tp.partition = 1;
  auto taken = world_.TakeOver();
  ASSERT_TRUE(taken.ok());
  Unstable(1, true);
  TakeOverThread& thread = Start();
  std::vector<TakeOverRequest> requests;
  requests.push_back(world_.Request());
  requests.back().suspended = std::move(taken->lane);
  thread.Open(std::move(requests));

  thread.Cancel();

  EXPECT_THAT(world_.stores.open(), IsEmpty());
}

TEST_F(TakeOverThreadTest, EndsInTheMiddle) {
  Unstable(0, true);
  Start();
  Open({0, 1, 2, 3});
  ASSERT_TRUE(Await(3));

  thread_.reset();

  EXPECT_EQ(opened_.size(), 3u);
}

}  // namespace
}  // namespace tacho
