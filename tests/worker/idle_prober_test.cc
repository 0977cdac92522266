#include "pipeline/worker/idle_prober.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <functional>
#include <latch>
#include <memory>
#include <mutex>
#include <tuple>
#include <utility>
#include <vector>

#include "tests/support/fake_partition_log.h"
#include "tests/support/manual_clock.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;

class IdleProberTest : public ::testing::Test {
 protected:
  using Answer =
      std::tuple<int32_t, Offset, std::chrono::steady_clock::time_point>;

  static TopicPartition Lane(int32_t partition) { return {"in", partition}; }

  void SetUp() override {
    for (int32_t p = 0; p < 4; ++p) {
      for (int32_t i = 0; i < p; ++i) log_.Append(Lane(p), "k", "v");
    }
  }

  std::unique_ptr<IdleProber> Start() {
    return std::make_unique<IdleProber>(
        partitions_, clock_,
        [this](const TopicPartition& tp, const IdleProof& p) {
          const std::lock_guard lock(mutex_);
          answers_.emplace_back(tp.partition, p.position, p.asked_at);
          changed_.notify_all();
        });
  }

  std::vector<Answer> AwaitAnswers(size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10),
                      [&] { return answers_.size() >= count; });
    return answers_;
  }

  // A list is taken as soon as the one before is done.
  static void Ask(IdleProber& prober, const std::vector<TopicPartition>& list) {
    while (!prober.Ask(list)) std::this_thread::yield();
  }

  FakeLog log_{{{"in", 4}}};
  FakePartitionLog partitions_{log_};
  ManualClock clock_;
  const std::chrono::steady_clock::time_point start_ = clock_.Steady();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Answer> answers_;
};

TEST_F(IdleProberTest, EveryEmptyPartitionIsProvenWithTheTimeOfItsQuestion) {
  partitions_.on_end = [this](const TopicPartition&) {
    clock_.Advance(Millis(7));
  };
  const auto prober = Start();

  ASSERT_TRUE(prober->Ask({Lane(3), Lane(0)}));

  EXPECT_THAT(AwaitAnswers(2), ElementsAre(Answer(3, 3, start_),
                                           Answer(0, 0, start_ + Millis(7))));
}

TEST_F(IdleProberTest, AnOpenTransactionIsNoProof) {
  log_.uncommitted[Lane(1)] = 1;
  const auto prober = Start();

  ASSERT_TRUE(prober->Ask({Lane(1), Lane(2)}));

  EXPECT_THAT(AwaitAnswers(1), ElementsAre(Answer(2, 2, start_)));
}

TEST_F(IdleProberTest, ATransactionThatStaysOpenIsCountedUntilItEnds) {
  log_.uncommitted[Lane(1)] = 1;
  const auto prober = Start();
  const auto ask_again = [&](size_t answers) {
    Ask(*prober, {Lane(1), Lane(2)});
    AwaitAnswers(answers);  // Lane 2's comes after lane 1 was looked at.
  };

  ask_again(1);
  EXPECT_EQ(prober->held_up(), 0);
  clock_.Advance(kHoldAfter - Millis(1));
  ask_again(2);
  EXPECT_EQ(prober->held_up(), 0);
  clock_.Advance(Millis(1));
  ask_again(3);
  EXPECT_EQ(prober->held_up(), 1);

  {
    const std::lock_guard lock(log_.mutex);
    log_.uncommitted.clear();
  }
  ask_again(5);
  EXPECT_EQ(prober->held_up(), 0);
}

TEST_F(IdleProberTest, AFailureLeavesTheOthersAndTheNextListAlone) {
  log_.end_errors[Lane(1)] = {StatusCode::kUnavailable, "no leader", true};
  const auto prober = Start();

  ASSERT_TRUE(prober->Ask({Lane(1), Lane(2)}));
  EXPECT_THAT(AwaitAnswers(1), ElementsAre(Answer(2, 2, start_)));
  {
    const std::lock_guard lock(log_.mutex);
    log_.end_errors.clear();
  }
  Ask(*prober, {Lane(1)});

  EXPECT_THAT(AwaitAnswers(2),
              ElementsAre(Answer(2, 2, start_), Answer(1, 1, start_)));
}

TEST_F(IdleProberTest, OneListAtATime) {
  std::latch asked(1);
  std::latch answer(1);
  partitions_.on_end = [&](const TopicPartition& tp) {
    if (tp != Lane(1)) return;
    asked.count_down();
    answer.wait();
  };
  const auto prober = Start();

  ASSERT_TRUE(prober->Ask({Lane(1)}));
  asked.wait();
  EXPECT_FALSE(prober->Ask({Lane(2)}));
  answer.count_down();
  Ask(*prober, {Lane(3)});

  EXPECT_THAT(AwaitAnswers(2),
              ElementsAre(Answer(1, 1, start_), Answer(3, 3, start_)));
}

TEST_F(IdleProberTest, ItEndsInTheMiddleOfAList) {
  std::latch asked(1);
  auto prober = Start();
  const std::vector<TopicPartition> list(100000, Lane(1));
  partitions_.on_end = [&](const TopicPartition&) {
    if (partitions_.ends_asked() == 0) asked.count_down();
  };
  ASSERT_TRUE(prober->Ask(list));
  asked.wait();

  prober.reset();

  EXPECT_LT(partitions_.ends_asked(), 100000);
}

TEST_F(IdleProberTest, ItEndsWhenNothingIsAsked) { Start().reset(); }

}  // namespace
}  // namespace tacho
