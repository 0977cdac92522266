// A worker whose partitions fall silent.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <optional>
#include <string>

#include "pipeline/worker/worker.h"
#include "tests/support/shifted_clock.h"
#include "tests/support/worker_harness.h"

namespace tacho {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr SinkId kStats = 2;
constexpr int64_t kStart = 1700000040000;  // A minute's start.

class WorkerIdleTest : public ::testing::Test {
 protected:
  static WorkerOptions Options(bool until_end = false) {
    WorkerOptions options;
    options.until_end = until_end;
    options.idle_interval = Millis(5);
    return options;
  }

  // One window is open, and committed.
  void StartWithAWindow(WorkerHarness& h, bool until_end = false) {
    h.clock = &clock_;
    h.log.Append(h.Lane(0), "a", TestMessage("a", kStart, 10));
    h.Start({h.Lane(0)}, Options(until_end));
    ASSERT_TRUE(WaitUntil([&] { return h.log.Committed(h.Lane(0)) == 1; }));
  }

  // Many checks later.
  static bool AwaitChecks(const WorkerHarness& h) {
    const int before = h.partition_log->ends_asked();
    return WaitUntil(
        [&] { return h.partition_log->ends_asked() > before + 3; });
  }

  static Marker MarkerOf(WorkerHarness& h) {
    return **h.disk.at(h.Lane(0))->ReadMarker();
  }

  ShiftedClock clock_;
};

TEST_F(WorkerIdleTest, WindowsOfAnEmptyPartitionClose) {
  WorkerHarness h(1);
  StartWithAWindow(h);
  EXPECT_EQ(h.partition_log->ends_asked(), 0);

  clock_.Shift(hours(1));

  ASSERT_TRUE(WaitUntil([&] { return !h.Written(0, kStats).empty(); }));
  EXPECT_THAT(h.Written(0, kStats)[0], HasSubstr(R"("n":1)"));
  EXPECT_TRUE(h.Stop().ok());
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 1);
  const Marker marker = MarkerOf(h);
  // An hour after the message's log time, less max_future_skew.
  EXPECT_GE(marker.partition_time, FromEpochMillis(kStart) + minutes(54));
  EXPECT_EQ(marker.idle_origin, FromEpochMillis(kStart));
  EXPECT_EQ(marker.next_offset, 1);
}

TEST_F(WorkerIdleTest, AnOpenTransactionHoldsTimeStill) {
  WorkerHarness h(1);
  StartWithAWindow(h);
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.uncommitted[h.Lane(0)] = 1;
  }

  clock_.Shift(hours(1));
  ASSERT_TRUE(AwaitChecks(h));
  EXPECT_THAT(h.Written(0, kStats), IsEmpty());
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.uncommitted.clear();
  }

  EXPECT_TRUE(WaitUntil([&] { return !h.Written(0, kStats).empty(); }));
  EXPECT_TRUE(h.Stop().ok());
}

TEST_F(WorkerIdleTest, ABrokerThatDoesNotAnswerIsAskedAgain) {
  WorkerHarness h(1);
  StartWithAWindow(h);
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.end_errors[h.Lane(0)] = {StatusCode::kUnavailable, "away", true};
  }

  clock_.Shift(hours(1));
  ASSERT_TRUE(AwaitChecks(h));
  {
    const std::lock_guard lock(h.log.mutex);
    h.log.end_errors.clear();
  }

  EXPECT_TRUE(WaitUntil([&] { return !h.Written(0, kStats).empty(); }));
  EXPECT_TRUE(h.Stop().ok());
}

// Two partitions, one of which nobody has: the run goes on.
TEST_F(WorkerIdleTest, BoundedRunsDoNotFollowTheClock) {
  WorkerHarness h(2);
  h.log.Append(h.Lane(1), "b", TestMessage("b", kStart, 10));
  StartWithAWindow(h, /*until_end=*/true);

  clock_.Shift(hours(1));
  // There is nothing to wait for but many times the interval.
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(WaitUntil(
      [&] { return std::chrono::steady_clock::now() - start > Millis(100); }));

  EXPECT_EQ(h.partition_log->ends_asked(), 2);  // At the start, for the ends.
  EXPECT_TRUE(h.Stop().ok());
  EXPECT_THAT(h.Written(0, kStats), IsEmpty());
}

TEST_F(WorkerIdleTest, OffIsOff) {
  WorkerHarness h(1, TestJobYaml("idle_advance: off\n"));
  StartWithAWindow(h);

  clock_.Shift(hours(1));
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(WaitUntil(
      [&] { return std::chrono::steady_clock::now() - start > Millis(100); }));

  EXPECT_EQ(h.partition_log->ends_asked(), 0);
  EXPECT_TRUE(h.Stop().ok());
}

// A bounded run reads to an end that was captured, so that only a lane that
// has not reached its own is asked about.
TEST_F(WorkerIdleTest, OnIsOnInABoundedRun) {
  WorkerHarness h(1, TestJobYaml("idle_advance: on\n"));
  h.clock = &clock_;
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart, 10));
  h.log.Append(h.Lane(0), "a", TestMessage("a", kStart + 1, 10));
  h.Start({}, Options(/*until_end=*/true));
  {
    // Until the ends are captured and the log is short again.
    ASSERT_TRUE(WaitUntil([&] { return h.at_least_once != nullptr; }));
    const std::lock_guard lock(h.log.mutex);
    h.log.entries[h.Lane(0)].pop_back();
  }
  h.member->AssignNow({h.Lane(0)});
  ASSERT_TRUE(WaitUntil([&] { return h.log.Committed(h.Lane(0)) == 1; }));

  clock_.Shift(hours(1));

  EXPECT_TRUE(WaitUntil([&] { return !h.Written(0, kStats).empty(); }));
  EXPECT_TRUE(h.Stop().ok());
}

TEST_F(WorkerIdleTest, TheHostsWallClockMovesNothing) {
  WorkerHarness h(1);
  StartWithAWindow(h);

  clock_.ShiftWall(hours(240));
  // There is nothing to wait for but many times the interval.
  const auto start = std::chrono::steady_clock::now();
  ASSERT_TRUE(WaitUntil(
      [&] { return std::chrono::steady_clock::now() - start > Millis(100); }));

  EXPECT_EQ(h.partition_log->ends_asked(), 0);
  EXPECT_TRUE(h.Stop().ok());
  EXPECT_THAT(h.Written(0, kStats), IsEmpty());
}

// The advance is part of an epoch: whoever takes over has it, and goes on from
// there.
TEST_F(WorkerIdleTest, TheAdvanceFollowsThePartitionExactlyOnce) {
  WorkerHarness h(1, ExactlyOnceYaml());
  StartWithAWindow(h);
  clock_.Shift(hours(1));
  ASSERT_TRUE(WaitUntil([&] { return !h.Written(0, kStats).empty(); }));
  h.Crash();
  h.disk.clear();

  h.Start({h.Lane(0)}, Options());
  ASSERT_TRUE(WaitUntil([&] { return h.worker->Reports().size() == 1; }));
  ASSERT_TRUE(h.Stop().ok());
  const Marker first = MarkerOf(h);
  h.disk.clear();
  h.Start({h.Lane(0)}, Options());
  ASSERT_TRUE(WaitUntil([&] { return h.worker->Reports().size() == 1; }));
  // Until it is loaded, the shift would count as part of its own idle time.
  ASSERT_TRUE(WaitUntil([&] {
    clock_.Shift(hours(1));
    return h.partition_log->ends_asked() > 0;
  }));
  ASSERT_TRUE(AwaitChecks(h));
  ASSERT_TRUE(h.Stop().ok());
  const Marker second = MarkerOf(h);

  EXPECT_THAT(h.Written(0, kStats), SizeIs(1));
  EXPECT_EQ(h.log.Committed(h.Lane(0)), 1);
  EXPECT_GE(first.partition_time, FromEpochMillis(kStart) + minutes(54));
  EXPECT_GE(second.partition_time, first.partition_time + minutes(55));
  EXPECT_EQ(first.idle_origin, FromEpochMillis(kStart));
  EXPECT_EQ(second.idle_origin, FromEpochMillis(kStart));
}

}  // namespace
}  // namespace tacho
