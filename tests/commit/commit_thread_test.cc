#include "pipeline/commit/commit_thread.h"

#include <gtest/gtest.h>

#include <chrono>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "tests/support/manual_clock.h"

namespace tacho {
namespace {

// Holds every call of `hold_at` until it is let go, and fails on command.
class GatedWriter final : public EpochWriter {
 public:
  Status Begin() override { return Pass("begin"); }
  Status Produce(LaneEpoch&) override { return Pass("produce"); }
  Status Flush() override { return Pass("flush"); }
  Status SendOffsets(const Epoch&) override { return Pass("send"); }
  Status Commit(const Epoch&) override { return Pass("commit"); }
  void Abort() override {}
  Status Settle() override { return Pass("settle"); }
  bool exactly_once() const override { return false; }

  void HoldAt(std::string step) {
    const std::lock_guard lock(mutex_);
    hold_at_ = std::move(step);
  }
  void LetGo() {
    const std::lock_guard lock(mutex_);
    hold_at_.clear();
    changed_.notify_all();
  }
  // From now on, every time.
  void FailAt(std::string step) {
    const std::lock_guard lock(mutex_);
    fail_at_ = std::move(step);
  }
  // Until `step` was called so often.
  bool AwaitCalls(const std::string& step, int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] {
      const auto found = calls_.find(step);
      return found != calls_.end() && found->second >= count;
    });
  }

 private:
  Status Pass(const std::string& step) {
    std::unique_lock lock(mutex_);
    ++calls_[step];
    changed_.notify_all();
    changed_.wait_for(lock, std::chrono::seconds(10),
                      [&] { return hold_at_ != step; });
    if (step != fail_at_) return Status::Ok();
    return {StatusCode::kUnavailable, "away", /*retryable=*/true};
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, int> calls_;
  std::string hold_at_;
  std::string fail_at_;
};

class CommitThreadTest : public ::testing::Test {
 protected:
  using Done = CommitThread::Done;

  CommitThread& Start() {
    thread_ = std::make_unique<CommitThread>(writer_, clock_, [this](Done d) {
      const std::lock_guard lock(mutex_);
      busy_at_done_ = thread_->busy();
      done_ = std::move(d);
      changed_.notify_all();
    });
    return *thread_;
  }

  std::optional<Done> AwaitDone() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(10),
                      [&] { return done_.has_value(); });
    return std::exchange(done_, std::nullopt);
  }

  // Longer than any test: only the thread itself can end the wait.
  static constexpr RetryPolicy kForEver{
      Millis(3600 * 1000), Millis(3600 * 1000), Millis(24 * 3600 * 1000)};

  GatedWriter writer_;
  ManualClock clock_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Done> done_;
  bool busy_at_done_ = true;
  std::unique_ptr<CommitThread> thread_;
};

TEST_F(CommitThreadTest, ItIsBusyUntilJustBeforeItSaysThatItIsDone) {
  writer_.HoldAt("flush");
  CommitThread& thread = Start();
  EXPECT_FALSE(thread.busy());
  Epoch epoch;
  epoch.membership.generation = 7;

  thread.Commit(std::move(epoch), RetryPolicy());

  EXPECT_TRUE(thread.busy());
  ASSERT_TRUE(writer_.AwaitCalls("flush", 1));
  EXPECT_TRUE(thread.busy());
  writer_.LetGo();
  const auto done = AwaitDone();
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->result.ok()) << done->result.status.ToString();
  EXPECT_FALSE(done->settled);
  EXPECT_EQ(done->epoch.membership.generation, 7);  // The epoch comes back.
  EXPECT_EQ(done->epoch.stage, EpochStage::kCommitted);
  EXPECT_FALSE(busy_at_done_);
}

TEST_F(CommitThreadTest, WhatWasSettledSaysSo) {
  Start().Settle(RetryPolicy());

  const auto done = AwaitDone();
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->settled);
  EXPECT_TRUE(done->result.ok());
}

// Settling is tried for as long; a commit of at least once, too.
TEST_F(CommitThreadTest, AbandonEndsTheWaitForTheNextTry) {
  struct Case {
    const char* fails;
    bool settle;
  };
  for (const Case& c : {Case{"begin", false}, Case{"flush", false},
                        Case{"commit", false}, Case{"settle", true}}) {
    SCOPED_TRACE(c.fails);
    writer_.FailAt(c.fails);
    CommitThread& thread = Start();
    if (c.settle) {
      thread.Settle(kForEver);
    } else {
      thread.Commit(Epoch(), kForEver);
    }
    ASSERT_TRUE(writer_.AwaitCalls(c.fails, 1));

    thread.Abandon();

    const auto done = AwaitDone();
    ASSERT_TRUE(done.has_value());
    EXPECT_EQ(done->result.outcome, CommitOutcome::kAbandoned);
    EXPECT_FALSE(done->result.status.ok());
    EXPECT_EQ(done->settled, c.settle);
    thread_.reset();
  }
}

// The present try is not torn: what it comes to is what happened.
TEST_F(CommitThreadTest, AbandonLeavesTheTryUnderWayAlone) {
  writer_.HoldAt("commit");
  CommitThread& thread = Start();
  thread.Commit(Epoch(), kForEver);
  ASSERT_TRUE(writer_.AwaitCalls("commit", 1));

  thread.Abandon();
  EXPECT_TRUE(thread.busy());
  writer_.LetGo();

  const auto done = AwaitDone();
  ASSERT_TRUE(done.has_value());
  EXPECT_TRUE(done->result.ok());
}

TEST_F(CommitThreadTest, WhatWasAbandonedDoesNotStopTheNext) {
  writer_.FailAt("flush");
  CommitThread& thread = Start();
  thread.Commit(Epoch(), kForEver);
  ASSERT_TRUE(writer_.AwaitCalls("flush", 1));
  thread.Abandon();
  ASSERT_TRUE(AwaitDone().has_value());

  writer_.FailAt("nothing");
  thread.Settle(kForEver);
  const auto settled = AwaitDone();
  thread.Commit(Epoch(), kForEver);
  const auto done = AwaitDone();

  ASSERT_TRUE(settled.has_value() && done.has_value());
  EXPECT_TRUE(settled->result.ok());
  EXPECT_TRUE(done->result.ok());
}

TEST_F(CommitThreadTest, StopWhileRetryingAbandonsAndSaysSo) {
  writer_.FailAt("commit");
  CommitThread& thread = Start();
  thread.Commit(Epoch(), kForEver);
  ASSERT_TRUE(writer_.AwaitCalls("commit", 1));

  thread.Stop();

  ASSERT_TRUE(done_.has_value());  // Told before Stop returned.
  EXPECT_EQ(done_->result.outcome, CommitOutcome::kAbandoned);
  EXPECT_FALSE(thread.busy());
  EXPECT_EQ(thread.metrics().commits.value(), 0u);  // They stay.
  thread.Stop();                                    // Again: nothing.
}

TEST_F(CommitThreadTest, StopWhenIdleReturns) {
  Start().Stop();

  EXPECT_FALSE(done_.has_value());
}

}  // namespace
}  // namespace tacho
