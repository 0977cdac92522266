#include "pipeline/base/exit_watchdog.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <future>
#include <memory>

namespace tacho {
namespace {

using ::testing::HasSubstr;

constexpr Millis kShort{20};
constexpr Millis kLong{3600 * 1000};

class ExitWatchdogTest : public ::testing::Test {
 protected:
  void SetUp() override {
    watchdog_.Arm([this](const ExitWatchdog::Overdue& overdue) {
      overdue_.set_value(overdue);
    });
  }
  // Waits until something is overdue.
  ExitWatchdog::Overdue Await() {
    auto future = overdue_.get_future();
    if (future.wait_for(std::chrono::seconds(10)) !=
        std::future_status::ready) {
      ADD_FAILURE() << "nothing was overdue";
      return {};
    }
    return future.get();
  }

  std::promise<ExitWatchdog::Overdue> overdue_;
  ExitWatchdog watchdog_;
};

TEST_F(ExitWatchdogTest, NamesTheCallThatTookLongerThanItsLimit) {
  watchdog_.Begin(kLong);
  const ExitStep outer("close the lanes", kLong, watchdog_);
  const ExitStep inner("close the store of in/3", kShort, watchdog_);

  const auto overdue = Await();

  EXPECT_EQ(overdue.call, "close the store of in/3");
  EXPECT_GE(overdue.waited, kShort);
  EXPECT_THAT(overdue.open, HasSubstr("close the lanes ("));
  EXPECT_THAT(overdue.open, HasSubstr(", close the store of in/3 ("));
}

TEST_F(ExitWatchdogTest, EndsWhenTheWholeWayTookTooLong) {
  const ExitStep step("commit_transaction", ExitStep::kWholeWay, watchdog_);
  watchdog_.Begin(kShort);

  EXPECT_EQ(Await().call, "commit_transaction");
}

TEST_F(ExitWatchdogTest, EndsWithoutAnyStep) {
  watchdog_.Begin(kShort);

  EXPECT_EQ(Await().call, "end the process");
}

TEST_F(ExitWatchdogTest, TimeBeforeTheWayOutDoesNotCount) {
  const ExitStep old("preflight", kShort, watchdog_);
  const auto since = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - since < 2 * kShort) {
    std::this_thread::yield();
  }
  auto future = overdue_.get_future();
  EXPECT_EQ(future.wait_for(Millis(0)), std::future_status::timeout);

  watchdog_.Begin(kLong);

  ASSERT_EQ(future.wait_for(std::chrono::seconds(10)),
            std::future_status::ready);
  const auto overdue = future.get();
  EXPECT_EQ(overdue.call, "preflight");
  EXPECT_LT(overdue.waited, kLong);
}

TEST_F(ExitWatchdogTest, StepsThatEndInTimeAreForgotten) {
  watchdog_.Begin(10 * kShort);
  for (int i = 0; i < 100; ++i) ExitStep("quick", kLong, watchdog_);
  watchdog_.SetOutcome({StatusCode::kNotFound, "topic in is gone"});

  const auto overdue = Await();

  EXPECT_EQ(overdue.open, "");
  ASSERT_TRUE(overdue.outcome.has_value());
  EXPECT_EQ(overdue.outcome->message(), "topic in is gone");
}

// The first one counts: a failure after a signal gives no more time.
TEST_F(ExitWatchdogTest, TheWayOutBeginsOnce) {
  watchdog_.Begin(kShort);
  watchdog_.Begin(kLong);

  EXPECT_EQ(Await().call, "end the process");
}

TEST(ExitWatchdogUnarmedTest, HasNoLimits) {
  ExitWatchdog watchdog;
  watchdog.Begin(Millis(0));
  const ExitStep step("anything", Millis(0), watchdog);
}

}  // namespace
}  // namespace tacho
