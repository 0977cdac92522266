#include "pipeline/job/suggestion.h"

#include "pipeline/base/nearest.h"

#include <gtest/gtest.h>

namespace tacho {
namespace {

const std::vector<std::string_view> kNames = {"interval", "records", "bytes",
                                              "id"};

TEST(SuggestionTest, FindsWhatIsOneSlipAway) {
  EXPECT_EQ(Nearest("intervall", kNames), "interval");
  EXPECT_EQ(Nearest("intreval", kNames), "interval");
  EXPECT_EQ(Nearest("Records", kNames), "records");
  EXPECT_EQ(Nearest("byte", kNames), "bytes");
  EXPECT_EQ(DidYouMean("recods", kNames), "; did you mean 'records'?");
}

TEST(SuggestionTest, FindsNothingFarAway) {
  EXPECT_EQ(Nearest("threads", kNames), "");
  EXPECT_EQ(Nearest("xy", kNames), "");
  EXPECT_EQ(Nearest("", kNames), "");
  EXPECT_EQ(Nearest(std::string(1000, 'a'), kNames), "");
  EXPECT_EQ(Nearest("a", {}), "");
  EXPECT_EQ(DidYouMean("threads", kNames), "");
}

}  // namespace
}  // namespace tacho
