#include "operators/suggestion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tacho {
namespace {

TEST(SuggestionTest, ACloseNameIsSuggested) {
  EXPECT_EQ(Suggest("sped", {"speed", "heading"}), ": did you mean \"speed\"?");
  EXPECT_EQ(Suggest("Speed", {"heading", "speed"}),
            ": did you mean \"speed\"?");
}

TEST(SuggestionTest, OtherwiseTheNamesAreListed) {
  EXPECT_EQ(Suggest("q", {"speed", "heading"}), ": one of speed, heading");
  EXPECT_EQ(Suggest("q", {}), "");
}

TEST(SuggestionTest, ALongListIsCut) {
  const std::vector<std::string_view> many(30, "name_name");
  const std::string text = Suggest("q", many);
  EXPECT_THAT(text, ::testing::EndsWith(", ..."));
  EXPECT_LT(text.size(), 30 * 11U);
}

TEST(SuggestionTest, UnitsAreSuggestedByTheirSpelling) {
  EXPECT_EQ(SuggestUnit("Mph"), ": did you mean \"mph\"?");
  EXPECT_EQ(SuggestUnit("kph"), ": did you mean \"km/h\"?");
  EXPECT_EQ(SuggestUnit("kmph"), ": did you mean \"km/h\"?");
  EXPECT_EQ(SuggestUnit("degF"), ": did you mean \"fahrenheit\"?");
  EXPECT_EQ(SuggestUnit("celcius"), ": did you mean \"celsius\"?");
  // Units of something else are no slips.
  for (const char* other : {"MPG", "mpg", "Nm", "kN", "KB", "lb", "mg"}) {
    EXPECT_THAT(SuggestUnit(other), ::testing::StartsWith(": one of"));
  }
  EXPECT_THAT(SuggestUnit("parsec"), ::testing::HasSubstr("km/h, km,"));
}

}  // namespace
}  // namespace tacho
