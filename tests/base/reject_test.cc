#include "pipeline/base/reject.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace tacho {
namespace {

TEST(RejectTest, NamesAreTheClosedListOfTheDesign) {
  const std::vector<std::string> expected = {
      "unparsable_json", "invalid_utf8", "not_an_object", "missing_field",
      "wrong_type",      "out_of_range", "clock_past",    "clock_future",
      "no_log_time",     "too_deep",     "too_large"};
  std::vector<std::string> names;
  for (size_t i = 0; i < kRejectReasons; ++i) {
    names.push_back(RejectReasonName(static_cast<RejectReason>(i)));
  }
  EXPECT_EQ(names, expected);
}

}  // namespace
}  // namespace tacho
