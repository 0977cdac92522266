#include "pipeline/cli/exit_code.h"

#include <gtest/gtest.h>

namespace tacho {
namespace {

TEST(ExitCodeTest, EveryStatusHasItsCode) {
  const auto code = [](StatusCode status) {
    return ExitCodeFor(Status(status, "x"));
  };
  EXPECT_EQ(ExitCodeFor(Status::Ok()), 0);
  EXPECT_EQ(code(StatusCode::kInternal), 70);
  EXPECT_EQ(code(StatusCode::kCorruption), 65);
  EXPECT_EQ(code(StatusCode::kUnavailable), 69);
  EXPECT_EQ(code(StatusCode::kIoError), 74);
  EXPECT_EQ(code(StatusCode::kPermission), 77);
  EXPECT_EQ(code(StatusCode::kInvalidArgument), 78);
  EXPECT_EQ(code(StatusCode::kNotFound), 78);
  EXPECT_EQ(code(StatusCode::kCancelled), 143);
}

}  // namespace
}  // namespace tacho
