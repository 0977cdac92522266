#include "pipeline/base/signal.h"

#include <gtest/gtest.h>

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace tacho {
namespace {

TEST(SignalTest, TypesHaveTheNamesOfTheJobFile) {
  EXPECT_STREQ(SignalTypeName(SignalType::kDouble), "double");
  EXPECT_STREQ(SignalTypeName(SignalType::kInt64), "int64");
  EXPECT_STREQ(SignalTypeName(SignalType::kBool), "bool");
  EXPECT_STREQ(SignalTypeName(SignalType::kString), "string");
}

TEST(SignalSchemaTest, FindsASignalByItsExactName) {
  const SignalSchema schema({{"a", SignalType::kDouble, Dimension::kNone},
                             {"b", SignalType::kBool, Dimension::kNone}});
  EXPECT_EQ(schema.Find("b"), 1u);
  EXPECT_EQ(schema.Find("B"), std::nullopt);
  EXPECT_EQ(SignalSchema().Find(""), std::nullopt);
}

TEST(SignalSchemaTest, FindsEveryOneOfManyAlsoInACopy) {
  std::vector<Signal> signals;
  for (int i = 0; i < 3000; ++i) {
    signals.push_back({"s" + std::to_string(i * 7919 % 3000),
                       SignalType::kDouble, Dimension::kNone});
  }
  signals.push_back(signals[5]);
  auto schema = std::make_unique<SignalSchema>(signals);
  const SignalSchema copy = *schema;
  schema.reset();
  for (size_t i = 0; i + 1 < signals.size(); ++i) {
    ASSERT_EQ(copy.Find(signals[i].name), i);
  }
  EXPECT_EQ(copy.Find("s3000"), std::nullopt);
}

// A job's expressions name signals as often as they like.
TEST(SignalSchemaTest, ALookUpDoesNotWalkTheSignals) {
  std::vector<Signal> signals(24000);
  for (size_t i = 0; i < signals.size(); ++i) {
    signals[i].name = "signal_" + std::to_string(i);
  }
  const SignalSchema schema(signals);
  const std::clock_t start = std::clock();
  for (int i = 0; i < 100000; ++i) {
    ASSERT_TRUE(schema.Find("signal_23999").has_value());
  }
  EXPECT_LT(static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC, 5);
}

}  // namespace
}  // namespace tacho
