#include "pipeline/commit/committer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/manual_clock.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;

// Writes down what the committer asks for, and fails on command.
class Script final : public EpochWriter, public EpochOwner {
 public:
  explicit Script(bool exactly_once) : exactly_once_(exactly_once) {}

  Status Begin() override { return Step("begin"); }
  Status Produce(LaneEpoch&) override { return Step("produce"); }
  Status Flush() override { return Step("flush"); }
  Status SendOffsets(const Epoch&) override {
    return exactly_once_ ? Step("send") : Status::Ok();
  }
  Status Commit(const Epoch&) override { return Step("commit"); }
  void Abort() override { steps.push_back("abort"); }
  Status Settle() override { return Step("settle"); }
  bool exactly_once() const override { return exactly_once_; }
  Status Apply(const LaneEpoch&) override { return Step("apply"); }
  bool owned() const override { return owned_now; }

  void Fail(std::string step, Status status, int times = 1) {
    fail_step_ = std::move(step);
    failure_ = std::move(status);
    fail_times_ = times;
  }

  std::vector<std::string> steps;
  bool owned_now = true;
  std::string lose_at;  // The partition is taken away at this step.

 private:
  Status Step(const std::string& step) {
    steps.push_back(step);
    if (step == lose_at) owned_now = false;
    if (step != fail_step_ || fail_times_ == 0) return Status::Ok();
    --fail_times_;
    return failure_;
  }

  bool exactly_once_;
  std::string fail_step_;
  Status failure_;
  int fail_times_ = 0;
};

class CommitterTest : public ::testing::Test {
 protected:
  CommitResult Commit(Script& script) {
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
  Script script(/*exactly_once=*/false);

  EXPECT_TRUE(Commit(script).ok());

  EXPECT_THAT(script.steps,
              ElementsAre("begin", "produce", "flush", "apply", "commit"));
  EXPECT_EQ(epoch_.stage, EpochStage::kCommitted);
}

TEST_F(CommitterTest, ExactlyOnceAppliesStateAfterTheCommit) {
  Script script(/*exactly_once=*/true);

  EXPECT_TRUE(Commit(script).ok());

  EXPECT_THAT(script.steps, ElementsAre("begin", "produce", "flush", "send",
                                        "commit", "apply"));
  EXPECT_EQ(epoch_.stage, EpochStage::kCommitted);
}

TEST_F(CommitterTest, ExactlyOnceGivesTheEpochUpAfterBegin) {
  for (const char* const step : {"produce", "flush", "send", "commit"}) {
    Script script(/*exactly_once=*/true);
    script.Fail(step, away_);
    epoch_ = {};

    EXPECT_EQ(Commit(script).outcome, CommitOutcome::kFailed) << step;

    EXPECT_EQ(script.steps.back(), "abort") << step;
    EXPECT_EQ(std::count(script.steps.begin(), script.steps.end(), "begin"), 1);
    EXPECT_LT(epoch_.stage, EpochStage::kApplied) << step;
  }
  EXPECT_TRUE(waits_.empty());
}

TEST_F(CommitterTest, ExactlyOnceTriesToBeginAgain) {
  Script script(/*exactly_once=*/true);
  script.Fail("begin", away_, 2);

  EXPECT_TRUE(Commit(script).ok());

  EXPECT_EQ(waits_.size(), 2u);
}

TEST_F(CommitterTest, ExactlyOnceLostAfterOffsetsWereSentIsNotCommitted) {
  Script script(/*exactly_once=*/true);
  script.lose_at = "send";

  EXPECT_EQ(Commit(script).outcome, CommitOutcome::kLost);

  EXPECT_THAT(script.steps,
              ElementsAre("begin", "produce", "flush", "send", "abort"));
}

TEST_F(CommitterTest, SettleIsTriedAgainUntilItHolds) {
  Script script(/*exactly_once=*/true);
  script.Fail("settle", away_, 3);
  Committer committer(script, clock_, [this](Millis delay) {
    clock_.Advance(delay);
    waits_.push_back(delay.count());
    return true;
  });

  EXPECT_TRUE(committer.Settle(RetryPolicy{}).ok());

  EXPECT_EQ(waits_.size(), 3u);
}

TEST_F(CommitterTest, RetryGoesOnWhereItStopped) {
  Script script(/*exactly_once=*/false);
  script.Fail("commit", away_);

  EXPECT_TRUE(Commit(script).ok());

  EXPECT_THAT(script.steps, ElementsAre("begin", "produce", "flush", "apply",
                                        "commit", "abort", "commit"));
}

TEST_F(CommitterTest, RefusedFlushCommitsNothing) {
  Script script(/*exactly_once=*/false);
  script.Fail("flush", {StatusCode::kPermission, "no"});

  const CommitResult result = Commit(script);

  EXPECT_EQ(result.outcome, CommitOutcome::kFailed);
  EXPECT_EQ(result.status.code(), StatusCode::kPermission);

  EXPECT_THAT(script.steps, ElementsAre("begin", "produce", "flush", "abort"));
  EXPECT_EQ(epoch_.stage, EpochStage::kFrozen);
}

TEST_F(CommitterTest, BackoffDoublesAndEndsAtTheLimit) {
  Script script(/*exactly_once=*/false);
  script.Fail("flush", away_, 1000);

  const CommitResult result = Commit(script);

  EXPECT_EQ(result.outcome, CommitOutcome::kFailed);
  EXPECT_TRUE(result.status.retryable());
  ASSERT_GE(waits_.size(), 7u);
  EXPECT_EQ(waits_[0], 100);
  EXPECT_EQ(waits_[1], 200);
  EXPECT_EQ(waits_.back(), 5000);
}

TEST_F(CommitterTest, LostPartitionStopsBeforeStateAndOffsets) {
  Script script(/*exactly_once=*/false);
  script.owned_now = false;

  EXPECT_EQ(Commit(script).outcome, CommitOutcome::kLost);

  EXPECT_THAT(script.steps, ElementsAre("begin", "produce", "flush", "abort"));
}

TEST_F(CommitterTest, StateThatAStoreDoesNotTakeIsAnOutcomeOfItsOwn) {
  for (const bool exactly_once : {false, true}) {
    Script script(exactly_once);
    script.Fail("apply", Corruption("bad block"));
    epoch_ = {};

    const CommitResult result = Commit(script);

    EXPECT_EQ(result.outcome, CommitOutcome::kNotApplied);
    EXPECT_EQ(result.status.code(), StatusCode::kCorruption);
    EXPECT_EQ(epoch_.stage,
              exactly_once ? EpochStage::kCommitted : EpochStage::kProduced);
  }
}

TEST_F(CommitterTest, WaitThatSaysNoAbandons) {
  Script script(/*exactly_once=*/false);
  script.Fail("commit", away_, 1000);
  keep_trying_ = false;

  EXPECT_EQ(Commit(script).outcome, CommitOutcome::kAbandoned);

  EXPECT_EQ(epoch_.stage, EpochStage::kApplied);
}

}  // namespace
}  // namespace tacho
