#include "pipeline/commit/committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;

// Writes down what the committer asks for, and fails on command.
class Script final : public Transaction, public EpochOwner {
 public:
  explicit Script(bool follows) : follows_(follows) {}

  Status Begin() override { return Step("begin"); }
  Status Produce(const LaneEpoch&) override { return Step("produce"); }
  Status Flush() override { return Step("flush"); }
  Status Commit(const Epoch&) override { return Step("offsets"); }
  void Abort() override { steps.push_back("abort"); }
  bool state_follows_commit() const override { return follows_; }
  Status Apply(const LaneEpoch&) override { return Step("apply"); }
  bool owned() const override { return owned_now; }

  void Fail(std::string step, Status status, int times = 1) {
    fail_step_ = std::move(step);
    failure_ = std::move(status);
    fail_times_ = times;
  }

  std::vector<std::string> steps;
  bool owned_now = true;

 private:
  Status Step(const std::string& step) {
    steps.push_back(step);
    if (step != fail_step_ || fail_times_ == 0) return Status::Ok();
    --fail_times_;
    return failure_;
  }

  bool follows_;
  std::string fail_step_;
  Status failure_;
  int fail_times_ = 0;
};

class CommitterTest : public ::testing::Test {
 protected:
  Status Commit(Script& script) {
    epoch_.parts = {{&part_, &script}};
    Committer committer(script, clock_, [this](Millis delay) {
      clock_.Advance(delay);
      waits_.push_back(delay.count());
      return keep_trying_;
    });
    return committer.Commit(epoch_, RetryPolicy{});
  }

  ManualClock clock_;
  LaneEpoch part_;
  Epoch epoch_;
  std::vector<int64_t> waits_;
  bool keep_trying_ = true;
  const Status away_{StatusCode::kUnavailable, "away", true};
};

TEST_F(CommitterTest, AtLeastOnceMakesStateDurableBeforeOffsets) {
  Script script(/*follows=*/false);

  EXPECT_TRUE(Commit(script).ok());

  EXPECT_THAT(script.steps,
              ElementsAre("begin", "produce", "flush", "apply", "offsets"));
  EXPECT_EQ(epoch_.stage, EpochStage::kCommitted);
}

TEST_F(CommitterTest, ExactlyOnceAppliesStateAfterTheCommit) {
  Script script(/*follows=*/true);

  EXPECT_TRUE(Commit(script).ok());

  EXPECT_THAT(script.steps,
              ElementsAre("begin", "produce", "flush", "offsets", "apply"));
}

TEST_F(CommitterTest, RetryGoesOnWhereItStopped) {
  Script script(/*follows=*/false);
  script.Fail("offsets", away_);

  EXPECT_TRUE(Commit(script).ok());

  EXPECT_THAT(script.steps, ElementsAre("begin", "produce", "flush", "apply",
                                        "offsets", "abort", "offsets"));
}

TEST_F(CommitterTest, RefusedFlushCommitsNothing) {
  Script script(/*follows=*/false);
  script.Fail("flush", {StatusCode::kPermission, "no"});

  EXPECT_EQ(Commit(script).code(), StatusCode::kPermission);

  EXPECT_THAT(script.steps, ElementsAre("begin", "produce", "flush", "abort"));
  EXPECT_EQ(epoch_.stage, EpochStage::kFrozen);
}

TEST_F(CommitterTest, BackoffDoublesAndEndsAtTheLimit) {
  Script script(/*follows=*/false);
  script.Fail("flush", away_, 1000);

  const Status status = Commit(script);

  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_FALSE(status.retryable());
  ASSERT_GE(waits_.size(), 7u);
  EXPECT_EQ(waits_[0], 100);
  EXPECT_EQ(waits_[1], 200);
  EXPECT_EQ(waits_.back(), 5000);
}

TEST_F(CommitterTest, LostPartitionStopsBeforeStateAndOffsets) {
  Script script(/*follows=*/false);
  script.owned_now = false;

  EXPECT_EQ(Commit(script).code(), StatusCode::kCancelled);

  EXPECT_THAT(script.steps, ElementsAre("begin", "produce", "flush", "abort"));
}

TEST_F(CommitterTest, WaitThatSaysNoCancels) {
  Script script(/*follows=*/false);
  script.Fail("offsets", away_, 1000);
  keep_trying_ = false;

  EXPECT_EQ(Commit(script).code(), StatusCode::kCancelled);

  EXPECT_EQ(epoch_.stage, EpochStage::kApplied);
}

}  // namespace
}  // namespace tacho
