#include "pipeline/base/signal.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace tacho
