// What a worker does when its input or its membership is gone, and what it says
// while it waits.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/shifted_clock.h"
#include "tests/support/worker_harness.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kStart = 1700000000000;

void Fill(WorkerHarness& h, int from, int to) {
  for (int i = from; i < to; ++i) {
    h.log.Append(h.Lane(i % h.log.counts.at("in")), "k",
                 TestMessage("v", kStart + i * 100, 50));
  }
}

bool AllCommitted(const WorkerHarness& h) {
  for (const TopicPartition& tp : h.AllLanes()) {
    if (h.log.Committed(tp) != h.log.End(tp)) return false;
  }
  return true;
}

TEST(WorkerGroupTest, AFencedMemberIsMadeAnewOnce) {
  WorkerHarness h(2, ExactlyOnceYaml());
  Fill(h, 0, 100);
  h.Start(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));

  h.member->FenceNow();
  ASSERT_TRUE(WaitUntil(
      [&] { return h.member->resets() == 1 && h.member->started(); }));
  h.member->AssignNow(h.AllLanes());
  Fill(h, 100, 200);
  h.member->Poke();

  ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerGroupTest, AMemberThatIsFencedAgainAtOnceEndsTheWorker) {
  WorkerHarness h(1, ExactlyOnceYaml());
  h.Start({});
  ASSERT_TRUE(WaitUntil([&] { return h.member->started(); }));
  h.member->FenceNow();
  ASSERT_TRUE(WaitUntil(
      [&] { return h.member->resets() == 1 && h.member->started(); }));

  h.member->FenceNow();

  const Status status = h.Join();
  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("lost the group again"));
}

// A standby commits nothing that would tell the two fences apart.
TEST(WorkerGroupTest, AMemberThatIsFencedAgainLongAfterIsMadeAnewAgain) {
  ShiftedClock clock;
  WorkerHarness h(1, ExactlyOnceYaml());
  h.clock = &clock;
  h.Start({});
  ASSERT_TRUE(WaitUntil([&] { return h.member->started(); }));
  h.member->FenceNow();
  ASSERT_TRUE(WaitUntil(
      [&] { return h.member->resets() == 1 && h.member->started(); }));
  clock.Shift(WorkerOptions().broker_timeout);

  h.member->FenceNow();

  ASSERT_TRUE(WaitUntil(
      [&] { return h.member->resets() == 2 && h.member->started(); }));
  h.member->AssignNow(h.AllLanes());
  Fill(h, 0, 10);
  h.member->Poke();
  EXPECT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
  EXPECT_TRUE(h.Stop().ok());
}

void SetCount(WorkerHarness& h, int32_t count) {
  const std::lock_guard lock(h.log.mutex);
  h.log.counts["in"] = count;
}

// Lets the worker look at the partition counts before long.
void LookAtCounts(WorkerHarness& h) {
  h.member->FailNow({StatusCode::kNotFound, "unknown partition"});
}

TEST(WorkerGroupTest, OneAnswerWithFewerPartitionsIsNotBelieved) {
  WorkerHarness h(2, ExactlyOnceYaml());
  Fill(h, 0, 10);
  h.Start(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
  SetCount(h, 1);
  const int asked = h.partition_log->counts_asked();
  LookAtCounts(h);
  ASSERT_TRUE(
      WaitUntil([&] { return h.partition_log->counts_asked() > asked; }));
  SetCount(h, 2);
  ASSERT_TRUE(
      WaitUntil([&] { return h.partition_log->counts_asked() > asked + 1; }));

  Fill(h, 10, 20);
  h.member->Poke();

  EXPECT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerGroupTest, ThreeAnswersWithFewerPartitionsEndTheWorker) {
  WorkerHarness h(2, ExactlyOnceYaml());
  Fill(h, 0, 10);
  h.Start(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
  SetCount(h, 1);
  const auto start = std::chrono::steady_clock::now();

  LookAtCounts(h);

  const Status status = h.Join();
  EXPECT_EQ(status.code(), StatusCode::kCorruption);
  EXPECT_THAT(status.message(), HasSubstr("went from 2 to 1 partitions"));
  EXPECT_GE(std::chrono::steady_clock::now() - start, Millis(1900));
}

TEST(WorkerGroupTest, AnInputThatIsGoneEndsTheWorkerWithTheRemedy) {
  WorkerHarness h(1);
  Fill(h, 0, 10);
  h.Start(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.deleted = true;
  }

  h.member->FailNow({StatusCode::kNotFound, "unknown partition"});

  const Status status = h.Join();
  EXPECT_EQ(status.code(), StatusCode::kNotFound);
  EXPECT_THAT(status.message(), HasSubstr("topic in"));
  EXPECT_THAT(status.message(), HasSubstr("tacho offsets reset"));
}

TEST(WorkerGroupTest, AnInputThatABrokerDoesNotKnowYetIsWaitedFor) {
  WorkerHarness h(1, ExactlyOnceYaml());
  Fill(h, 0, 10);
  h.Start(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));

  h.member->FailNow({StatusCode::kNotFound, "unknown partition"});

  Fill(h, 10, 20);
  h.member->Poke();
  ASSERT_TRUE(WaitUntil([&] { return AllCommitted(h); }));
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerGroupTest, LagIsUnknownUntilTheLanesRun) {
  WorkerHarness h(1, ExactlyOnceYaml());
  Fill(h, 0, 10);
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.unstable.insert(h.Lane(0));
  }
  h.Start({});
  ASSERT_TRUE(WaitUntil([&] { return h.member->started(); }));
  EXPECT_EQ(h.worker->Lag(), std::nullopt);
  h.member->AssignNow(h.AllLanes());
  ASSERT_TRUE(WaitUntil([&] { return h.member->assigned(); }));
  EXPECT_EQ(h.worker->Lag(), std::nullopt);
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.unstable.clear();
  }

  EXPECT_TRUE(WaitUntil([&] { return h.worker->Lag() == 0; }));
  EXPECT_TRUE(h.Stop().ok());
}

TEST(WorkerGroupTest, ARunToTheEndWaitsForAnOpenTransactionAndThenSaysSo) {
  WorkerHarness h(1);
  Fill(h, 0, 5);
  h.log.uncommitted[h.Lane(0)] = 2;
  WorkerOptions options;
  options.until_end = true;
  options.broker_timeout = Millis(200);
  h.Start(h.AllLanes(), options);

  const Status status = h.Join();

  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(),
              HasSubstr("open transaction on in/0 at 5 of 7"));
}

TEST(WorkerGroupTest, ARunToTheEndGoesOnOnceTheTransactionHasEnded) {
  WorkerHarness h(1);
  Fill(h, 0, 5);
  h.log.uncommitted[h.Lane(0)] = 2;
  WorkerOptions options;
  options.until_end = true;
  h.Start(h.AllLanes(), options);
  ASSERT_TRUE(WaitUntil([&] { return h.log.Committed(h.Lane(0)) == 5; }));
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.uncommitted.clear();
  }
  Fill(h, 5, 7);
  h.member->Poke();

  EXPECT_TRUE(h.Join().ok());
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 7);
}

// Everything is done, and the brokers that would have to say so are away.
TEST(WorkerGroupTest, ARunToTheEndDoesNotWaitForSilentBrokersForEver) {
  WorkerHarness h(1);
  Fill(h, 0, 5);
  h.log.uncommitted[h.Lane(0)] = 2;
  WorkerOptions options;
  options.until_end = true;
  options.broker_timeout = Millis(1000);
  h.Start(h.AllLanes(), options);
  ASSERT_TRUE(WaitUntil([&] { return h.log.Committed(h.Lane(0)) == 5; }));
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.uncommitted.clear();
    h.log.unstable.insert(h.Lane(0));
  }
  Fill(h, 5, 7);
  h.member->Poke();

  const Status status = h.Join();

  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("a transaction is pending"));
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 7);
}

// Half way: nothing comes, and nothing is left to commit.
TEST(WorkerGroupTest, ARunToTheEndWithoutBrokersEndsHalfWay) {
  ShiftedClock clock;
  WorkerHarness h(1);
  h.clock = &clock;
  Fill(h, 0, 5);
  h.log.uncommitted[h.Lane(0)] = 2;
  WorkerOptions options;
  options.until_end = true;
  h.Start(h.AllLanes(), options);
  ASSERT_TRUE(WaitUntil([&] { return h.log.Committed(h.Lane(0)) == 5; }));
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.counts_error = {StatusCode::kUnavailable, "all brokers down", true};
  }
  const int asked = h.partition_log->counts_asked();
  clock.Shift(Millis(16000));  // The next look at the counts is due.
  ASSERT_TRUE(
      WaitUntil([&] { return h.partition_log->counts_asked() > asked; }));
  clock.Shift(options.broker_timeout);

  const Status status = h.Join();

  EXPECT_EQ(status.code(), StatusCode::kUnavailable);
  EXPECT_THAT(status.message(), HasSubstr("all brokers down"));
}

}  // namespace
}  // namespace tacho
