#include "pipeline/base/suggestion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "pipeline/base/units.h"

namespace tacho {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;

const std::vector<std::string_view> kNames = {"interval", "records", "bytes",
                                              "id"};

TEST(SuggestionTest, FindsWhatIsOneSlipAway) {
  EXPECT_EQ(Nearest("intervall", kNames), "interval");
  EXPECT_EQ(Nearest("intreval", kNames), "interval");
  EXPECT_EQ(Nearest("Records", kNames), "records");
  EXPECT_EQ(Nearest("byte", kNames), "bytes");
}

TEST(SuggestionTest, FindsNothingFarAway) {
  EXPECT_EQ(Nearest("threads", kNames), "");
  EXPECT_EQ(Nearest("xy", kNames), "");
  EXPECT_EQ(Nearest("", kNames), "");
  EXPECT_EQ(Nearest(std::string(1000, 'a'), kNames), "");
  EXPECT_EQ(Nearest("a", {}), "");
}

TEST(SuggestionTest, SaysWhatWasMeantInTheQuotesOfTheSentence) {
  EXPECT_EQ(DidYouMean("recods", kNames, '\''), "; did you mean 'records'?");
  EXPECT_EQ(DidYouMean("recods", kNames, '"'), "; did you mean \"records\"?");
  EXPECT_EQ(DidYouMean("threads", kNames, '\''), "");
  EXPECT_EQ(Suggest("Recods", kNames, '\''), "; did you mean 'records'?");
}

TEST(SuggestionTest, OtherwiseTheNamesAreListed) {
  EXPECT_EQ(Suggest("q", {"speed", "heading"}, '"'), "; known: speed, heading");
  EXPECT_EQ(Suggest("q", {}, '"'), "");
}

TEST(SuggestionTest, ALongListIsCut) {
  const std::vector<std::string_view> many(30, "name_name");
  const std::string text = Suggest("q", many, '"');
  EXPECT_THAT(text, EndsWith(", ..."));
  EXPECT_LT(text.size(), 30 * 11U);
  EXPECT_EQ(JoinNames(many).size(), 30 * 11U - 2);
}

TEST(UnknownUnitTest, SaysWhatWasMeantOrWhatThereIs) {
  EXPECT_EQ(UnknownUnit("Mph"), "unknown unit \"Mph\"; did you mean \"mph\"?");
  EXPECT_EQ(UnknownUnit("kph", '\''),
            "unknown unit 'kph'; did you mean 'km/h'?");
  EXPECT_THAT(UnknownUnit("kmph"), EndsWith("did you mean \"km/h\"?"));
  EXPECT_THAT(UnknownUnit("degF"), EndsWith("did you mean \"fahrenheit\"?"));
  EXPECT_THAT(UnknownUnit("celcius"), EndsWith("did you mean \"celsius\"?"));
  // Units of something else are no slips.
  for (const char* other : {"MPG", "mpg", "Nm", "kN", "KB", "lb", "mg"}) {
    EXPECT_THAT(UnknownUnit(other), HasSubstr("; known: km/h, km, celsius"));
  }
}

}  // namespace
}  // namespace tacho
