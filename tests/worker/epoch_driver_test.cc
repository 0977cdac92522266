// What a driver does in each of its states, over lanes that are real and a
// writer that says what it is told.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/worker/epoch_driver_fixture.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using State = EpochDriver::State;
using Cause = EpochDriver::Cause;

const Status kAway{StatusCode::kUnavailable, "away", /*retryable=*/true};
const Status kRefused{StatusCode::kPermission, "refused"};
constexpr uint64_t kMiB = uint64_t{1} << 20;

TEST_F(EpochDriverTest, CommitsWhatItsLanesHaveAndIsIdleAgain) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  AddLane(driver, 1);

  ASSERT_TRUE(driver->StartCommit());
  EXPECT_EQ(driver->state(), State::kCommitting);
  EXPECT_EQ(driver->due(), EpochDriver::SteadyTime::max());
  driver.writer->AnswerCommit(Status::Ok());
  EXPECT_TRUE(Next(driver).ok());

  EXPECT_EQ(driver->state(), State::kIdle);
  EXPECT_EQ(told_.committed, 1);
  EXPECT_THAT(driver.writer->produced(), ElementsAre(0, 1));
  EXPECT_EQ(driver.writer->membership(), membership_);
  InNode(*lanes_.entries().front(), [](const Lane& lane) {
    ASSERT_TRUE(lane.applied_marker().has_value());
    EXPECT_EQ(lane.applied_marker()->epoch, 1);
  });
}

TEST_F(EpochDriverTest, LanesThatHaveDoneNothingAreNoEpoch) {
  const Driver driver = MakeDriver();
  EXPECT_FALSE(driver->StartCommit());
  AddLane(driver, 0);
  ASSERT_TRUE(RunEpoch(driver, Status::Ok()).ok());

  EXPECT_FALSE(driver->StartCommit());

  EXPECT_EQ(driver->state(), State::kIdle);
}

TEST_F(EpochDriverTest, AFailedEpochIsSettledBeforeLanesAreAskedForAgain) {
  const Driver driver = MakeDriver();
  const auto store = AddLane(driver, 0);

  EXPECT_TRUE(RunEpoch(driver, kAway).ok());

  EXPECT_EQ(driver->state(), State::kSettling);
  EXPECT_EQ(driver->last().outcome, CommitOutcome::kFailed);
  EXPECT_THAT(told_.dropped, ElementsAre(driver.driver.get()));
  EXPECT_TRUE(lanes_.empty());
  EXPECT_TRUE(store->closed);
  EXPECT_THAT(told_.ready, IsEmpty());
  driver.writer->AnswerSettle(Status::Ok());
  EXPECT_TRUE(Next(driver).ok());
  EXPECT_EQ(driver->state(), State::kIdle);
  EXPECT_TRUE(driver->last().ok());
  EXPECT_THAT(told_.ready, ElementsAre(driver.driver.get()));
}

TEST_F(EpochDriverTest, AFailureThatStaysEndsIt) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);

  EXPECT_EQ(RunEpoch(driver, kRefused).code(), StatusCode::kPermission);

  EXPECT_TRUE(driver->failed());
  EXPECT_EQ(driver->last().status.code(), StatusCode::kPermission);
  // A wish changes nothing about it, and there is no last epoch.
  EXPECT_TRUE(driver->Reopen(Cause::kInputBack, kAway).ok());
  EXPECT_EQ(driver->CommitLastEpoch(clock_.Steady()).code(),
            StatusCode::kPermission);
}

TEST_F(EpochDriverTest, FailuresThatGoOnForBrokerTimeoutEndIt) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  ASSERT_TRUE(RunEpoch(driver, kAway).ok());
  ASSERT_TRUE(SettleAndAdd(driver, 0).ok());
  clock_.Advance(Millis(59999));
  ASSERT_TRUE(RunEpoch(driver, kAway).ok());
  ASSERT_TRUE(SettleAndAdd(driver, 0).ok());
  clock_.Advance(Millis(1));

  const Status status = RunEpoch(driver, kAway);

  EXPECT_THAT(status.message(),
              HasSubstr("no epoch was committed for 60000 ms: away"));
  EXPECT_TRUE(driver->failed());
}

TEST_F(EpochDriverTest, AnEpochBetweenThemOrANewAssignmentForgetsFailures) {
  for (const bool assigned : {false, true}) {
    const Driver driver = MakeDriver();
    AddLane(driver, 0);
    ASSERT_TRUE(RunEpoch(driver, kAway).ok());
    ASSERT_TRUE(SettleAndAdd(driver, 0).ok());
    clock_.Advance(Millis(40000));
    if (assigned) {
      driver->ForgetFailures();
    } else {
      ASSERT_TRUE(RunEpoch(driver, Status::Ok()).ok());
      Change(0);
    }
    clock_.Advance(Millis(40000));

    EXPECT_TRUE(RunEpoch(driver, kAway).ok());

    EXPECT_EQ(driver->state(), State::kSettling);
    ASSERT_TRUE(SettleAndAdd(driver, 0).ok());
    driver->DropLanes();
  }
}

TEST_F(EpochDriverTest, WhatCannotBeSettledEndsIt) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  ASSERT_TRUE(RunEpoch(driver, kAway).ok());
  driver.writer->AnswerSettle(kRefused);

  const Status status = Next(driver);

  EXPECT_THAT(status.message(), HasSubstr("after a failed commit: refused"));
  EXPECT_TRUE(driver->failed());
  EXPECT_THAT(told_.ready, IsEmpty());
}

TEST_F(EpochDriverTest, AWishToReopenWaitsForTheEpochUnderWay) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  ASSERT_TRUE(driver->StartCommit());

  EXPECT_TRUE(driver->Reopen(Cause::kInputBack, kAway).ok());

  EXPECT_EQ(driver->state(), State::kCommitting);
  driver.writer->AnswerCommit(Status::Ok());
  EXPECT_TRUE(Next(driver).ok());
  EXPECT_EQ(told_.committed, 1);
  EXPECT_EQ(driver->state(), State::kSettling);
  // What is wished now is under way, and not done once more.
  EXPECT_TRUE(driver->Reopen(Cause::kInputBack, kAway).ok());
  ASSERT_TRUE(SettleAndAdd(driver, 0).ok());
  EXPECT_TRUE(RunEpoch(driver, Status::Ok()).ok());
  EXPECT_EQ(driver->state(), State::kIdle);
}

TEST_F(EpochDriverTest, AWishIsActedOnAtOnceWhileNothingIsUnderWay) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);

  EXPECT_TRUE(driver->Reopen(Cause::kInputBack, kAway).ok());

  EXPECT_EQ(driver->state(), State::kSettling);
  EXPECT_TRUE(lanes_.empty());
  driver.writer->AnswerSettle(Status::Ok());
  EXPECT_TRUE(Next(driver).ok());
}

TEST_F(EpochDriverTest, LanesThatFailAgainAndAgainEndIt) {
  const Driver driver = MakeDriver();
  const auto fail = [&] {
    AddLane(driver, 0);
    const Status status = driver->ReopenFailedLane(kAway);
    if (!status.ok()) return status;
    driver.writer->AnswerSettle(Status::Ok());
    return Next(driver);
  };
  EXPECT_TRUE(fail().ok());
  clock_.Advance(Millis(60001));
  EXPECT_TRUE(fail().ok()) << "the first was another matter";
  clock_.Advance(Millis(40000));
  EXPECT_TRUE(fail().ok());
  clock_.Advance(Millis(20000));

  EXPECT_THAT(fail().message(), HasSubstr("no epoch was committed"));

  EXPECT_TRUE(driver->failed());
}

TEST_F(EpochDriverTest, DroppedLanesStayOpenUntilTheirEpochHasEnded) {
  for (const Status& outcome : {Status::Ok(), kAway}) {
    told_.ready.clear();
    const Driver driver = MakeDriver();
    const auto store = AddLane(driver, 0);
    ASSERT_TRUE(driver->StartCommit());
    ASSERT_TRUE(WaitUntil([&] { return driver.writer->committing.load(); }));

    driver->DropLanes();

    EXPECT_EQ(driver->state(), State::kOrphaned);
    EXPECT_TRUE(lanes_.empty());
    EXPECT_FALSE(store->closed);
    EXPECT_THAT(told_.ready, IsEmpty());
    driver.writer->AnswerCommit(outcome);
    EXPECT_TRUE(Next(driver).ok());
    EXPECT_TRUE(store->closed);
    if (!outcome.ok()) {
      EXPECT_EQ(driver->state(), State::kSettling);
      driver.writer->AnswerSettle(Status::Ok());
      EXPECT_TRUE(Next(driver).ok());
    }
    EXPECT_EQ(driver->state(), State::kIdle);
    EXPECT_THAT(told_.ready, ElementsAre(driver.driver.get()));
  }
}

TEST_F(EpochDriverTest, LanesThatAreDroppedAreNotReopenedByAnEarlierWish) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  ASSERT_TRUE(driver->StartCommit());
  ASSERT_TRUE(driver->Reopen(Cause::kFault, kAway).ok());
  driver.writer->AnswerCommit(Status::Ok());
  ASSERT_TRUE(WaitUntil([&] { return driver->answered(); }));

  driver->DropLanes();
  EXPECT_TRUE(Next(driver).ok());

  EXPECT_EQ(driver->state(), State::kIdle);
  EXPECT_THAT(told_.ready, ElementsAre(driver.driver.get()));
}

TEST_F(EpochDriverTest, AnEpochOfLanesThatWereTakenAwayIsNoFault) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  driver.writer->SetBegin(kAway);
  lanes_.ForEach([](Lane& lane) { lane.Detach(); });

  ASSERT_TRUE(driver->StartCommit());
  EXPECT_TRUE(Next(driver).ok());

  EXPECT_EQ(driver->state(), State::kSettling);
  EXPECT_EQ(driver->last().outcome, CommitOutcome::kLost);
  EXPECT_EQ(driver.budget->bytes(), 64 * kMiB);
  driver.writer->AnswerSettle(Status::Ok());
  EXPECT_TRUE(Next(driver).ok());
}

TEST_F(EpochDriverTest, EpochsShrinkWithFailuresAndGrowBackSlowly) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  ASSERT_TRUE(RunEpoch(driver, kAway).ok());
  EXPECT_EQ(driver.budget->bytes(), 32 * kMiB);
  ASSERT_TRUE(SettleAndAdd(driver, 0).ok());

  ASSERT_TRUE(RunEpoch(driver, Status::Ok()).ok());

  EXPECT_EQ(driver.budget->bytes(), 34 * kMiB);
}

TEST_F(EpochDriverTest, AStoreThatDidNotTakeItsPartIsToldAndReopened) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  const auto store = AddLane(driver, 1);
  store->corrupt = true;

  EXPECT_TRUE(RunEpoch(driver, Status::Ok()).ok());

  EXPECT_EQ(driver->last().outcome, CommitOutcome::kNotApplied);
  EXPECT_THAT(told_.damaged, ElementsAre(1));
  EXPECT_EQ(driver->state(), State::kSettling);
  driver.writer->AnswerSettle(Status::Ok());
  EXPECT_TRUE(Next(driver).ok());
}

TEST_F(EpochDriverTest, DamageIsFoundOnALaneThatWasDroppedMeanwhile) {
  const Driver driver = MakeDriver();
  const auto store = AddLane(driver, 0);
  store->corrupt = true;
  ASSERT_TRUE(driver->StartCommit());
  driver.writer->AnswerCommit(Status::Ok());
  ASSERT_TRUE(WaitUntil([&] { return driver->answered(); }));

  driver->DropLanes();
  EXPECT_EQ(driver->state(), State::kOrphaned);
  EXPECT_TRUE(Next(driver).ok());

  EXPECT_THAT(told_.damaged, ElementsAre(0));
  EXPECT_EQ(driver->state(), State::kSettling);
  EXPECT_TRUE(store->closed);
  driver.writer->AnswerSettle(Status::Ok());
  EXPECT_TRUE(Next(driver).ok());
  EXPECT_THAT(told_.ready, ElementsAre(driver.driver.get()));
}

TEST_F(EpochDriverTest, DamageThatCannotBeHelpedEndsIt) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0)->corrupt = true;
  told_.damage = Corruption("again");

  EXPECT_EQ(RunEpoch(driver, Status::Ok()).message(), "again");

  EXPECT_TRUE(driver->failed());
}

TEST_F(EpochDriverTest, TheLastEpochFollowsTheOneUnderWay) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  ASSERT_TRUE(driver->StartCommit());
  Change(0);
  driver.writer->AnswerCommit(Status::Ok());
  driver.writer->AnswerCommit(Status::Ok());

  EXPECT_TRUE(
      driver->CommitLastEpoch(clock_.Steady() + std::chrono::seconds(10)).ok());

  EXPECT_EQ(told_.committed, 2);
  EXPECT_EQ(driver->state(), State::kIdle);
}

TEST_F(EpochDriverTest, ALastEpochThatDoesNotComeThroughInTimeIsAbandoned) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  driver.writer->SetBegin(kAway);  // Tried again, for as long as it may be.

  const Status status = driver->CommitLastEpoch(clock_.Steady() + Millis(20));

  EXPECT_THAT(status.message(), HasSubstr("within revoke_timeout"));
  EXPECT_EQ(driver->state(), State::kCommitting);
  EXPECT_TRUE(Next(driver).ok());
  EXPECT_EQ(driver->last().outcome, CommitOutcome::kAbandoned);
  EXPECT_EQ(driver->state(), State::kSettling);
  driver.writer->AnswerSettle(Status::Ok());
  EXPECT_TRUE(Next(driver).ok());
}

TEST_F(EpochDriverTest, ALastEpochThatFailsSaysWhy) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  driver.writer->AnswerCommit(kAway);

  const Status status =
      driver->CommitLastEpoch(clock_.Steady() + std::chrono::seconds(10));

  EXPECT_EQ(status.message(), "away");
  EXPECT_EQ(driver->state(), State::kSettling);
  driver.writer->AnswerSettle(Status::Ok());
  EXPECT_TRUE(Next(driver).ok());
}

TEST_F(EpochDriverTest, AnEpochCanBeWaitedForWhateverBecomesOfIt) {
  const Driver driver = MakeDriver();
  AddLane(driver, 0);
  EXPECT_TRUE(driver->AwaitEpoch(clock_.Steady()));
  ASSERT_TRUE(driver->StartCommit());
  ASSERT_TRUE(WaitUntil([&] { return driver.writer->committing.load(); }));
  driver->DropLanes();
  EXPECT_FALSE(driver->AwaitEpoch(clock_.Steady() + Millis(1)));
  driver.writer->AnswerCommit(kAway);

  EXPECT_TRUE(driver->AwaitEpoch(clock_.Steady() + std::chrono::seconds(10)));

  EXPECT_EQ(driver->state(), State::kSettling);
  driver.writer->AnswerSettle(Status::Ok());
  EXPECT_TRUE(Next(driver).ok());
}

TEST_F(EpochDriverTest, OneOfTwoStartsOverWhileTheOtherGoesOn) {
  const Driver one = MakeDriver();
  const Driver other = MakeDriver();
  AddLane(one, 0);
  const auto kept = AddLane(other, 1);
  ASSERT_TRUE(one->StartCommit());
  ASSERT_TRUE(other->StartCommit());
  one.writer->AnswerCommit(kAway);
  ASSERT_TRUE(Next(one).ok());
  ASSERT_EQ(one->state(), State::kSettling);

  other.writer->AnswerCommit(Status::Ok());
  EXPECT_TRUE(Next(other).ok());
  Change(1);
  EXPECT_TRUE(RunEpoch(other, Status::Ok()).ok());

  EXPECT_EQ(one->state(), State::kSettling);
  EXPECT_FALSE(kept->closed);
  EXPECT_THAT(one.writer->produced(), ElementsAre(0));
  EXPECT_THAT(other.writer->produced(), ElementsAre(1, 1));
  EXPECT_THAT(told_.dropped, ElementsAre(one.driver.get()));
  EXPECT_EQ(one.budget->bytes(), 32 * kMiB);
  EXPECT_EQ(other.budget->bytes(), 64 * kMiB);
  ASSERT_TRUE(SettleAndAdd(one, 2).ok());
  EXPECT_THAT(told_.ready, ElementsAre(one.driver.get()));
  EXPECT_TRUE(RunEpoch(one, Status::Ok()).ok());
  EXPECT_THAT(one.writer->produced(), ElementsAre(0, 2));
}

TEST_F(EpochDriverTest, ItsFiguresOutliveItsProducer) {
  Driver driver = MakeDriver();
  AddLane(driver, 0);
  ASSERT_TRUE(RunEpoch(driver, Status::Ok()).ok());
  driver->DropLanes();

  driver->Stop();
  driver->Close();
  driver.writer = nullptr;

  EXPECT_EQ(driver->metrics().commits.value(), 1u);
  EXPECT_EQ(driver->writer_metrics().renewals.value(), 0u);
}

}  // namespace
}  // namespace tacho
