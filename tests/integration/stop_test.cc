// How a worker is stopped, and what the group hears of it.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>

#include "tests/integration/worker_fixture.h"

namespace tacho {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

class StopTest : public WorkerOnKafka {
 protected:
  // Time from here until a new worker has partitions.
  milliseconds TimeToTakeOver(const Arguments& extra = {}) {
    const auto start = steady_clock::now();
    next_ = Start("next", extra);
    EXPECT_TRUE(next_->WaitFor("partitions_assigned")) << next_->Output();
    return std::chrono::duration_cast<milliseconds>(steady_clock::now() -
                                                    start);
  }

  // Runs a worker over some input and stops it with SIGTERM.
  void RunAndStop(const Arguments& extra) {
    Produce(Telemetry(1000, 21));
    const auto worker = Start("host", extra);
    ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();
    const auto start = steady_clock::now();
    worker->Signal(SIGTERM);
    ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
    EXPECT_LT(steady_clock::now() - start, seconds(5)) << worker->Output();
    EXPECT_EQ(worker->Events("stopped").size(), 1u);
  }

  std::unique_ptr<TachoProcess> next_;
};

// Less than half the session time-out of 6 s says: it was told, not timed out.
constexpr milliseconds kAtOnce{3000};

TEST_F(StopTest, ADynamicMemberCommitsAndLeaves) {
  Prepare("leaves", 2);
  RunAndStop({});

  EXPECT_LT(TimeToTakeOver(), kAtOnce);
  ExpectOutputs(/*closed=*/false);
}

TEST_F(StopTest, AStaticMemberKeepsItsPlaceForItsReturn) {
  Prepare("stays", 2);
  const Arguments member = {"--set", "group.instance_id=one"};
  RunAndStop(member);

  EXPECT_LT(TimeToTakeOver(member), kAtOnce);  // It is itself.
  next_->Signal(SIGTERM);
  ASSERT_EQ(next_->WaitExit(), 0) << next_->Output();
  // A member of another name gets all partitions only when the session of the
  // first is over. Until then the first one's share lies still.
  const auto start = steady_clock::now();
  const auto other = Start("other", {"--set", "group.instance_id=two"});
  ASSERT_TRUE(Eventually([&] {
    const auto events = other->Events("partitions_assigned");
    return !events.empty() && events.back()["count"] == 2;
  })) << other->Output();
  EXPECT_GT(steady_clock::now() - start, kAtOnce) << other->Output();
}

TEST_F(StopTest, AStaticMemberThatIsToldToLeaveLeaves) {
  Prepare("told-to-leave", 2);
  RunAndStop({"--set", "group.instance_id=one", "--leave"});

  EXPECT_LT(TimeToTakeOver({"--set", "group.instance_id=two"}), kAtOnce);
  EXPECT_EQ(next_->Events("partitions_assigned").back()["count"], 2);
}

// The worker waits for a broker that is stopped, so it does not get far.
TEST_F(StopTest, TheSecondSignalEndsAtOnce) {
  Prepare("second-signal", 1);
  for (const auto& [number, code] : {std::pair(SIGINT, 130), {SIGTERM, 143}}) {
    const auto worker = Start("host");
    ASSERT_TRUE(worker->WaitFor("partitions_assigned")) << worker->Output();
    Produce(Telemetry(3000, 22));
    broker().Pause();
    worker->Signal(number);
    EXPECT_TRUE(worker->WaitFor("stopping")) << worker->Output();
    const auto start = steady_clock::now();
    worker->Signal(number);
    EXPECT_EQ(worker->WaitExit(), code) << worker->Output();
    EXPECT_LT(steady_clock::now() - start, seconds(1));
    broker().Resume();
  }
}

TEST_F(StopTest, ASignalRightAfterTheAssignmentIsObeyed) {
  Prepare("early-signal", 4);
  Produce(Telemetry(1000, 23));
  for (int i = 0; i < 5; ++i) {
    const auto worker = Start("host");
    ASSERT_TRUE(worker->WaitFor("partitions_assigned")) << worker->Output();
    worker->Signal(SIGTERM);
    const auto start = steady_clock::now();
    ASSERT_EQ(worker->WaitExit(), 0) << worker->Output();
    EXPECT_LT(steady_clock::now() - start, seconds(5)) << worker->Output();
  }

  ASSERT_EQ(RunToEnd("host", {"--close-at-end"}), 0);
  ExpectOutputs(/*closed=*/true);
}

TEST_F(StopTest, ASignalBeforeThereIsABrokerIsObeyed) {
  Prepare("no-broker-signal", 1);
  const auto worker = Start("host", {"--bootstrap", "127.0.0.1:1"});
  ASSERT_TRUE(worker->WaitFor("retry")) << worker->Output();
  const auto start = steady_clock::now();

  worker->Signal(SIGTERM);

  EXPECT_EQ(worker->WaitExit(), 0) << worker->Output();
  EXPECT_LT(steady_clock::now() - start, seconds(10));
}

}  // namespace
}  // namespace tacho
