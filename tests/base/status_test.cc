#include "pipeline/base/status.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace tacho {
namespace {

Result<int> Half(int n) {
  if (n % 2 != 0) return InvalidArgument("odd");
  return n / 2;
}

Status QuarterInto(int n, int& out) {
  ASSIGN_OR_RETURN(const int half, Half(n));
  ASSIGN_OR_RETURN(out, Half(half));
  return Status::Ok();
}

TEST(StatusTest, OkHasNoMessage) {
  EXPECT_TRUE(Status::Ok().ok());
  EXPECT_EQ(Status::Ok().ToString(), "ok");
  EXPECT_TRUE(Status::Ok().With("context").ok());
}

TEST(StatusTest, ContextIsPutBeforeTheMessageAndTheRestIsKept) {
  const Status status =
      Status(StatusCode::kUnavailable, "gone", true).With("broker");
  EXPECT_EQ(status.ToString(), "unavailable: broker: gone");
  EXPECT_TRUE(status.retryable());
  EXPECT_FALSE(IoError("x").retryable());
}

TEST(StatusTest, EveryCodeHasAName) {
  for (int i = 0; i <= static_cast<int>(StatusCode::kInternal); ++i) {
    EXPECT_STRNE(StatusCodeName(static_cast<StatusCode>(i)), "unknown");
  }
}

TEST(ResultTest, MacroPassesTheFirstErrorOn) {
  int out = 0;
  EXPECT_TRUE(QuarterInto(8, out).ok());
  EXPECT_EQ(out, 2);
  EXPECT_EQ(QuarterInto(6, out).code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(QuarterInto(7, out).message(), "odd");
}

TEST(ResultTest, HoldsMoveOnlyValues) {
  Result<std::unique_ptr<int>> result(std::make_unique<int>(3));
  const std::unique_ptr<int> value = *std::move(result);
  EXPECT_EQ(*value, 3);
}

TEST(ResultDeathTest, ValueOfAnErrorAborts) {
  Result<int> result = Half(3);
  EXPECT_DEATH(result.value(), "CHECK failed");
}

TEST(ResultDeathTest, OkStatusIsNoResult) {
  EXPECT_DEATH(Result<int>(Status::Ok()), "CHECK failed");
}

}  // namespace
}  // namespace tacho
