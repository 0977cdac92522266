#include "operators/expression/expression.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "pipeline/base/units.h"
#include "tests/support/batch_builder.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

SignalSchema Schema() {
  return SignalSchema(
      {{"speed", SignalType::kDouble, Dimension::kSpeed},
       {"limit", SignalType::kDouble, Dimension::kSpeed},
       {"engine_temp", SignalType::kDouble, Dimension::kTemperature},
       {"odometer", SignalType::kDouble, Dimension::kDistance},
       {"x", SignalType::kDouble, Dimension::kNone},
       {"y", SignalType::kDouble, Dimension::kNone},
       {"count", SignalType::kInt64, Dimension::kNone},
       {"gear", SignalType::kInt64, Dimension::kNone},
       {"ignition", SignalType::kBool, Dimension::kNone},
       {"door", SignalType::kBool, Dimension::kNone},
       {"label", SignalType::kString, Dimension::kNone},
       {"other", SignalType::kString, Dimension::kNone},
       {"mph", SignalType::kDouble, Dimension::kSpeed, FindUnit("mph")},
       {"oil", SignalType::kDouble, Dimension::kTemperature, FindUnit("F")}});
}

using Cells = std::vector<std::pair<std::string, TestCell>>;

std::unique_ptr<Batch> OneRow(Cells cells) {
  auto batch = std::make_unique<Batch>(Schema());
  BatchBuilder(Schema()).Add(*batch, {"v", 0, std::move(cells)}, 0);
  return batch;
}

// 'T', 'F' or '?' for one record, '!' if the text does not compile.
char Eval(const std::string& text, const Cells& cells = {}) {
  ExpressionError error;
  auto condition = Condition::Compile(text, Schema(), error);
  if (!condition.has_value()) {
    ADD_FAILURE() << text << ": " << error.offset << ": " << error.message;
    return '!';
  }
  std::vector<Truth> truths;
  condition->Evaluate(*OneRow(cells), {0, 1}, truths);
  return "FT?"[static_cast<size_t>(truths.at(0))];
}

ExpressionError ErrorOf(const std::string& text) {
  ExpressionError error{9999, ""};
  EXPECT_FALSE(Condition::Compile(text, Schema(), error).has_value()) << text;
  return error;
}

// NaN if it is unknown.
double Number(const std::string& text, const Cells& cells = {}) {
  ExpressionError error;
  auto quantity = Quantity::Compile(text, Schema(), error);
  if (!quantity.has_value()) {
    ADD_FAILURE() << text << ": " << error.offset << ": " << error.message;
    return 0;
  }
  std::vector<double> values;
  std::vector<uint8_t> known;
  quantity->Evaluate(*OneRow(cells), {0, 1}, values, known);
  return known.at(0) != 0 ? values.at(0)
                          : std::numeric_limits<double>::quiet_NaN();
}

// Truth of `a op b` with bools given as T, F or ?.
char Logic(char a, const std::string& op, char b) {
  Cells cells;
  if (a != '?') cells.emplace_back("ignition", a == 'T');
  if (b != '?') cells.emplace_back("door", b == 'T');
  return Eval("ignition " + op + " door", cells);
}

TEST(ExpressionTest, AndOrAndEqualityFollowKleene) {
  const std::string values = "FT?";
  const std::string and_table = "FFFFT?F??";
  const std::string or_table = "FT?TTT?T?";
  const std::string equal_table = "TF?FT????";
  const std::string not_equal_table = "FT?TF????";
  for (size_t i = 0; i < 9; ++i) {
    const char a = values[i / 3];
    const char b = values[i % 3];
    EXPECT_EQ(Logic(a, "and", b), and_table[i]) << a << b;
    EXPECT_EQ(Logic(a, "&&", b), and_table[i]) << a << b;
    EXPECT_EQ(Logic(a, "or", b), or_table[i]) << a << b;
    EXPECT_EQ(Logic(a, "||", b), or_table[i]) << a << b;
    EXPECT_EQ(Logic(a, "==", b), equal_table[i]) << a << b;
    EXPECT_EQ(Logic(a, "!=", b), not_equal_table[i]) << a << b;
  }
}

TEST(ExpressionTest, NotFollowsKleene) {
  EXPECT_EQ(Eval("not ignition", {{"ignition", true}}), 'F');
  EXPECT_EQ(Eval("!ignition", {{"ignition", false}}), 'T');
  EXPECT_EQ(Eval("not not ignition"), '?');
}

TEST(ExpressionTest, ComparesWithEveryOperator) {
  const std::string ops[] = {"<", "<=", "==", "!=", ">=", ">"};
  const std::string less = "TTFTFF";
  const std::string equal = "FTTFTF";
  const std::string more = "FFFTTT";
  for (size_t i = 0; i < 6; ++i) {
    const std::string text = "speed " + ops[i] + " 50";
    EXPECT_EQ(Eval(text, {{"speed", 49.5}}), less[i]) << text;
    EXPECT_EQ(Eval(text, {{"speed", 50.0}}), equal[i]) << text;
    EXPECT_EQ(Eval(text, {{"speed", 50.5}}), more[i]) << text;
  }
}

TEST(ExpressionTest, WhatIsNotValidIsUnknown) {
  for (const CellState state :
       {CellState::kAbsent, CellState::kNull, CellState::kInvalid}) {
    EXPECT_EQ(Eval("speed > 50", {{"speed", state}}), '?');
    EXPECT_EQ(Eval("not speed > 50", {{"speed", state}}), '?');
    EXPECT_EQ(Eval("count == 1", {{"count", state}}), '?');
    EXPECT_EQ(Eval("label != 'a'", {{"label", state}}), '?');
    EXPECT_EQ(Eval("ignition", {{"ignition", state}}), '?');
    EXPECT_EQ(Eval("speed > 50 or true", {{"speed", state}}), 'T');
    EXPECT_EQ(Eval("max(x, 1) > 0", {{"x", state}}), '?');
  }
}

TEST(ExpressionTest, WhatIsNotFiniteIsUnknown) {
  const Cells zero = {{"x", 0.0}, {"y", 1e308}};
  EXPECT_EQ(Eval("1 / x > 5", zero), '?');
  EXPECT_EQ(Eval("x / x == x / x", zero), '?');
  EXPECT_EQ(Eval("y * 100 > 5", zero), '?');
  EXPECT_EQ(Eval("not (1 / x > 5)", zero), '?');
  const Cells nan = {{"x", std::nan("")}};
  EXPECT_EQ(Eval("x != 1", nan), '?');
  EXPECT_EQ(Eval("x == x", nan), '?');
  EXPECT_TRUE(std::isnan(Number("x", nan)));
}

TEST(ExpressionTest, TighterOperatorsBindFirst) {
  EXPECT_EQ(Number("2 + 3 * x", {{"x", 4.0}}), 14);
  EXPECT_EQ(Number("(2 + 3) * x", {{"x", 4.0}}), 20);
  EXPECT_EQ(Number("10 - 3 - x", {{"x", 4.0}}), 3);
  EXPECT_EQ(Number("100 / 10 / x", {{"x", 4.0}}), 2.5);
  EXPECT_EQ(Number("-x + 1", {{"x", 4.0}}), -3);
  EXPECT_EQ(Number("2 * -x", {{"x", 4.0}}), -8);
  EXPECT_EQ(Number("2 - -3 + x", {{"x", 4.0}}), 9);
  EXPECT_EQ(Eval("true or true and false"), 'T');
  EXPECT_EQ(Eval("(true or true) and false"), 'F');
  EXPECT_EQ(Eval("not false and false"), 'F');
  EXPECT_EQ(Eval("not x > 1", {{"x", 2.0}}), 'F');
  EXPECT_EQ(Eval("!x > 1", {{"x", 0.0}}), 'T');
  EXPECT_EQ(Eval("x + 1 > 2 and x < 5", {{"x", 1.5}}), 'T');
}

TEST(ExpressionTest, FunctionsTakeNumbers) {
  EXPECT_EQ(Number("abs(x)", {{"x", -2.5}}), 2.5);
  EXPECT_EQ(Number("min(x, y, 3)", {{"x", 4.0}, {"y", 5.0}}), 3);
  EXPECT_EQ(Number("max(x, y, 3)", {{"x", 4.0}, {"y", 5.0}}), 5);
  EXPECT_EQ(Number("max(gear)", {{"gear", int64_t{4}}}), 4);
  EXPECT_EQ(Number("abs ( min(x, -7) )", {{"x", 0.0}}), 7);
}

TEST(ExpressionTest, QuantitiesAreConvertedToTheCanonicalUnit) {
  EXPECT_EQ(Eval("speed > 75 mph", {{"speed", 120.7}}), 'F');
  EXPECT_EQ(Eval("speed > 75 mph", {{"speed", 120.71}}), 'T');
  EXPECT_EQ(Eval("speed>120km/h", {{"speed", 120.5}}), 'T');
  EXPECT_EQ(Eval("speed == 10 m/s", {{"speed", 36.0}}), 'T');
  EXPECT_EQ(Eval("engine_temp >= 212 °F", {{"engine_temp", 100.0}}), 'T');
  EXPECT_EQ(Eval("engine_temp == -40 °F", {{"engine_temp", -40.0}}), 'T');
  EXPECT_EQ(Eval("engine_temp > 90 celsius", {{"engine_temp", 90.5}}), 'T');
  EXPECT_EQ(Eval("odometer > 1000 m", {{"odometer", 1.5}}), 'T');
}

TEST(ExpressionTest, AUnitEndsWhereAnOperatorBegins) {
  EXPECT_EQ(Eval("speed > 10 m/s*2", {{"speed", 73.0}}), 'T');
  EXPECT_EQ(Eval("2 km/odometer > 1", {{"odometer", 1.5}}), 'T');
  EXPECT_EQ(Eval("speed > 120 and true", {{"speed", 121.0}}), 'T');
  EXPECT_EQ(Eval("x > 1 or false", {{"x", 0.0}}), 'F');
}

TEST(ExpressionTest, IntegersCompareExactly) {
  const int64_t big = (int64_t{1} << 53) + 1;
  EXPECT_EQ(Eval("count == 9007199254740993", {{"count", big}}), 'T');
  EXPECT_EQ(Eval("count == 9007199254740992", {{"count", big}}), 'F');
  EXPECT_EQ(Eval("count > gear", {{"count", big}, {"gear", big - 1}}), 'T');
  EXPECT_EQ(Eval("count == -3", {{"count", int64_t{-3}}}), 'T');
  EXPECT_EQ(Eval("count > 2.5", {{"count", int64_t{3}}}), 'T');
  EXPECT_EQ(Eval("count > 9007199254740992.000", {{"count", big}}), 'T');
  EXPECT_EQ(Eval("count > 9007199254740993.0", {{"count", big}}), 'F');
  EXPECT_EQ(Eval("count == x", {{"count", int64_t{3}}, {"x", 3.0}}), 'T');
}

// Against long double, which holds both sides exactly on x86-64.
TEST(ExpressionTest, IntegersCompareExactlyWithEveryConstant) {
  constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
  const std::pair<const char*, std::function<bool(long double, long double)>>
      ops[] = {{"<", std::less<>()},      {"<=", std::less_equal<>()},
               {">", std::greater<>()},   {">=", std::greater_equal<>()},
               {"==", std::equal_to<>()}, {"!=", std::not_equal_to<>()}};
  const std::pair<const char*, long double> constants[] = {
      {"2.5", 2.5L},
      {"-2.5", -2.5L},
      {"(1 + 2)", 3.0L},
      {"1e300", 1e300L},
      {"-1e300", -1e300L},
      {"9223372036854775808", 9223372036854775808.0L},
      {"-9223372036854775808", -9223372036854775808.0L},
      {"(9007199254740992 + 0)", 9007199254740992.0L}};
  const int64_t values[] = {kMin,
                            kMin + 1,
                            -3,
                            -2,
                            2,
                            3,
                            9007199254740991,
                            9007199254740992,
                            9007199254740993,
                            kMax - 1,
                            kMax};
  for (const auto& [op, compare] : ops) {
    for (const auto& [text, constant] : constants) {
      for (const int64_t value : values) {
        const Cells cells = {{"count", value}};
        const auto exact = static_cast<long double>(value);
        const std::string right = std::string("count ") + op + " " + text;
        EXPECT_EQ(Eval(right, cells), compare(exact, constant) ? 'T' : 'F')
            << right << " of " << value;
        const std::string left = std::string(text) + " " + op + " count";
        EXPECT_EQ(Eval(left, cells), compare(constant, exact) ? 'T' : 'F')
            << left << " of " << value;
      }
    }
  }
  EXPECT_EQ(Eval("count < 1e300", {{"count", CellState::kNull}}), '?');
}

TEST(ExpressionTest, ASignalInAnotherUnitComparesWithWhatHasAUnit) {
  EXPECT_EQ(Eval("mph > 75 mph", {{"mph", 121.0}}), 'T');
  EXPECT_EQ(Eval("mph > 75 km/h", {{"mph", 76.0}}), 'T');
  EXPECT_EQ(Eval("mph > speed", {{"mph", 76.0}, {"speed", 75.0}}), 'T');
  EXPECT_EQ(Eval("mph > 0", {{"mph", 1.0}}), 'T');
  EXPECT_EQ(Eval("2 * mph > 75 mph", {{"mph", 61.0}}), 'T');
  EXPECT_EQ(Eval("oil - 10 celsius > 230 F", {{"oil", 121.0}}), 'T');
}

TEST(ExpressionTest, TextsCompareByBytes) {
  EXPECT_EQ(Eval("label == \"on\"", {{"label", std::string("on")}}), 'T');
  EXPECT_EQ(Eval("label == 'on'", {{"label", std::string("On")}}), 'F');
  EXPECT_EQ(Eval("'a\"b' == label", {{"label", std::string("a\"b")}}), 'T');
  EXPECT_EQ(Eval("label != other",
                 {{"label", std::string("a")}, {"other", std::string("a")}}),
            'F');
  EXPECT_EQ(Eval("label == ''", {{"label", std::string()}}), 'T');
}

struct BadText {
  const char* text;
  size_t offset;
  const char* message;
};

class ExpressionErrorTest : public ::testing::TestWithParam<BadText> {};

TEST_P(ExpressionErrorTest, SaysWhereAndWhy) {
  const ExpressionError error = ErrorOf(GetParam().text);

  EXPECT_EQ(error.offset, GetParam().offset) << error.message;
  EXPECT_THAT(error.message, HasSubstr(GetParam().message));
}

INSTANTIATE_TEST_SUITE_P(
    Texts, ExpressionErrorTest,
    ::testing::Values(
        BadText{"", 0, "ends where a value is expected"},
        BadText{"speed >", 7, "ends where a value is expected"},
        BadText{"sped > 5", 0, "did you mean \"speed\"?"},
        BadText{"x > 1 and zzzzzzz > 5", 10, "known: speed, limit"},
        BadText{"speed > 5 kms/h", 10, "did you mean \"km/h\"?"},
        BadText{"speed > 5 parsecs", 10, "known: km/h, km"},
        BadText{"speed > 90 celsius", 8, "temperature"},
        BadText{"speed + engine_temp > 5", 8, "does not mix"},
        BadText{"max(speed, odometer) > 5", 11, "does not mix"},
        BadText{"x > 5 km/h", 4, "without a unit"},
        BadText{"speed * speed > limit", 16, "does not compare"},
        BadText{"engine_temp + 10 °F > 5", 14, "point on a scale"},
        BadText{"engine_temp > 10 °F * 2", 14, "point on a scale"},
        BadText{"engine_temp > 9 °F und x", 19, "an operator is expected"},
        BadText{"mph > 75", 6, "\"75 mph\" or \"75 km/h\""},
        BadText{"-7.5 <= mph", 0, "\"-7.5 mph\" or \"-7.5 km/h\""},
        BadText{"x > 1 and not mph == 75", 21, "\"mph\" comes in mph"},
        BadText{"abs(-mph) > 75", 12, "what it meets is in mph"},
        BadText{"mph / 2 > 70 + 5", 10, "\"75 mph\""},
        BadText{"mph + 5 > 75 mph", 6, "\"5 mph\""},
        BadText{"min(120, mph) > 75 mph", 4, "\"120 mph\""},
        BadText{"mph - speed > 75", 14, "\"75 mph\""},
        BadText{"speed > 75 mph - 5", 17, "\"5 mph\" or \"5 km/h\""},
        BadText{"oil > 230", 6, "\"230 F\" or \"230 celsius\""},
        BadText{"oil > 0", 6, "\"0 F\""},
        BadText{"oil + 10 > 230 F", 6, "a difference is written in celsius"},
        // A difference of temperatures is no point.
        BadText{"oil - engine_temp > 18 F", 20, "as in \"10 celsius\""},
        BadText{"18 F < oil - engine_temp", 0, "as in \"10 celsius\""},
        BadText{"oil - oil > 10 K", 12, "as in \"10 celsius\""},
        BadText{"abs(oil - oil) > 18 F", 17, "as in \"10 celsius\""},
        BadText{"-(oil - oil) < 18 F", 15, "as in \"10 celsius\""},
        BadText{"2 * (oil - oil) / 3 < 18 F", 22, "as in \"10 celsius\""},
        BadText{"oil - oil + 2 celsius < 18 F", 24, "as in \"10 celsius\""},
        BadText{"max(oil - oil, 18 F) < 2 celsius", 15, "point on a scale"},
        BadText{"max(oil - oil, 2 celsius) < 18 F", 28, "point on a scale"},
        BadText{"100 celsius - oil < 18 F", 20, "point on a scale"},
        BadText{"oil - oil > max(18 F, 2 F)", 12, "as in \"10 celsius\""},
        BadText{"oil + max(18 F, 2 F) > 2 F", 6, "cannot be added"},
        BadText{"oil - oil > 18", 12, "\"18 celsius\", or \"10 celsius\" if"},
        // What products and quotients make of a unit, no number says.
        BadText{"mph * mph > 5625", 12, "\"mph / 1 mph\""},
        BadText{"5625 <= mph * mph", 0, "\"mph\", sent in mph, as km/h"},
        BadText{"x * (2 * mph) * y > 5", 20, "\"mph / 1 mph\""},
        BadText{"abs(mph * x) - 3 > x", 15, "\"mph / 1 mph\""},
        BadText{"1 / mph < 5", 10, "\"mph / 1 mph\""},
        BadText{"odometer / mph < 5", 17, "\"mph / 1 mph\""},
        BadText{"speed * 2 h > 5", 14, "\"2 h / 1 h\""},
        BadText{"oil * x > 5", 10, "\"oil / 1 celsius\""},
        // Wherever a bare number stands.
        BadText{"min(75, 0, mph) > 10 mph", 4, "\"75 mph\""},
        BadText{"min(0, 75, mph) > 10 mph", 7, "\"75 mph\""},
        BadText{"min(speed, 75, mph) > 10 mph", 11, "\"75 mph\""},
        BadText{"min(75, speed, mph) > 10 mph", 4, "\"75 mph\""},
        BadText{"speed > 5 MPG", 10, "known: km/h, km"},
        BadText{"speed > 5 Nm", 10, "known: km/h, km"},
        BadText{"speed > 5 MPH", 10, "did you mean \"mph\"?"},
        BadText{"speed = 5", 6, "write == to compare"},
        BadText{"1 < x < 3", 6, "do not chain"},
        BadText{"label < 'b'", 0, "== and != only"},
        BadText{"ignition < door", 0, "== and != only"},
        BadText{"label == 5", 9, "does not compare"},
        BadText{"ignition == 1", 12, "does not compare"},
        BadText{"label and true", 0, "where a condition is expected"},
        BadText{"ignition + 1 > 0", 0, "where a number is expected"},
        BadText{"speed", 0, "this is no condition"},
        BadText{"label", 0, "this is no condition"},
        BadText{"sqrt(x) > 1", 0, "unknown function \"sqrt\""},
        BadText{"abs(x, y) > 1", 0, "one argument"},
        BadText{"min() > 1", 4, "a value is expected"},
        BadText{"(x > 1", 6, "\")\" is expected"},
        BadText{"x > 1)", 5, "\")\" where an operator"},
        BadText{"label == 'on", 9, "not closed"},
        BadText{"x > 1e999", 4, "out of range"},
        BadText{"x > 1 / 0", 4, "not a finite number"},
        BadText{"x > 1 & y > 2", 6, "\"&\" where"},
        BadText{"x >= and", 5, "\"and\" where a value"},
        BadText{"x § 1", 2, "\"§\" where"}));

TEST(ExpressionTest, TheLengthLimitIsExact) {
  std::string text = "x > 1";
  text.append(kMaxExpressionBytes - text.size(), ' ');
  EXPECT_EQ(Eval(text, {{"x", 2.0}}), 'T');

  text += ' ';
  EXPECT_THAT(ErrorOf(text).message, HasSubstr("longer than 4096 bytes"));
}

TEST(ExpressionTest, TheDepthLimitIsExact) {
  const auto nested = [](size_t depth) {
    return std::string(depth, '(') + "x > 1" + std::string(depth, ')');
  };
  EXPECT_EQ(Eval(nested(kMaxExpressionDepth), {{"x", 2.0}}), 'T');
  const ExpressionError error = ErrorOf(nested(kMaxExpressionDepth + 1));
  EXPECT_THAT(error.message, HasSubstr("nested deeper than 64"));
  EXPECT_EQ(error.offset, kMaxExpressionDepth);

  const std::string nots(kMaxExpressionDepth + 1, '!');
  EXPECT_THAT(ErrorOf(nots + "ignition").message, HasSubstr("nested"));
  std::string signs;
  for (size_t i = 0; i <= kMaxExpressionDepth; ++i) signs += "- ";
  EXPECT_THAT(ErrorOf(signs + "x > 1").message, HasSubstr("nested"));
}

TEST(ExpressionTest, ALongChainIsNotNested) {
  std::string text = "x>1";
  while (text.size() + 8 <= kMaxExpressionBytes) text += " or x>1";
  EXPECT_EQ(Eval(text, {{"x", 2.0}}), 'T');
}

std::optional<WatchedQuantity> Watched(const std::string& text) {
  ExpressionError error;
  auto condition = Condition::Compile(text, Schema(), error);
  EXPECT_TRUE(condition.has_value()) << error.message;
  return condition->watched();
}

TEST(ExpressionTest, TheFirstOrderingComparisonIsWatched) {
  EXPECT_EQ(Watched("speed > 120 km/h")->text, "speed");
  EXPECT_TRUE(Watched("speed > 120 km/h")->greatest);
  EXPECT_FALSE(Watched("speed <= 5 and x > 3")->greatest);
  EXPECT_EQ(Watched("ignition and (abs(x) + 1) >= y")->text, "(abs(x) + 1)");
  EXPECT_EQ(Watched("label == 'a' and gear == 3 and x < 2")->text, "x");
  EXPECT_EQ(Watched("120 < speed")->text, "speed");
  EXPECT_TRUE(Watched("120 < speed")->greatest);
  EXPECT_FALSE(Watched("not (speed > 120)")->greatest);
  EXPECT_FALSE(Watched("ignition").has_value());
}

TEST(ExpressionTest, AQuantityKnowsItsDimension) {
  const auto dimension = [](const std::string& text) {
    ExpressionError error;
    return Quantity::Compile(text, Schema(), error)->dimension();
  };
  EXPECT_EQ(dimension("speed * 2"), Dimension::kSpeed);
  EXPECT_EQ(dimension("2 * speed + 3"), Dimension::kSpeed);
  EXPECT_EQ(dimension("speed / 2"), Dimension::kSpeed);
  EXPECT_EQ(dimension("2 / speed"), Dimension::kNone);
  EXPECT_EQ(dimension("speed / limit"), Dimension::kNone);
  EXPECT_EQ(dimension("speed * x"), Dimension::kNone);
  EXPECT_EQ(dimension("max(1, speed)"), Dimension::kSpeed);
}

// A random expression as text together with a scalar evaluator of it.
class Generator {
 public:
  explicit Generator(uint32_t seed) : random_(seed) {}

  struct Numeric {
    std::string text;
    std::function<std::optional<double>(const TestRecord&)> eval;
  };
  struct Logical {
    std::string text;
    std::function<std::optional<bool>(const TestRecord&)> eval;
  };

  size_t Below(size_t n) {
    return std::uniform_int_distribution<size_t>(0, n - 1)(random_);
  }

  TestRecord Record() {
    TestRecord record{"v", 0, {}};
    const auto add = [&](const char* name, TestCell cell) {
      static constexpr CellState kUnusable[] = {
          CellState::kNull, CellState::kInvalid, CellState::kAbsent};
      if (Below(4) == 0) cell = kUnusable[Below(3)];
      record.cells.emplace_back(name, std::move(cell));
    };
    add("x", static_cast<double>(Below(9)) * 0.5 - 2);
    add("y", static_cast<double>(Below(9)) * 0.5 - 2);
    add("count", static_cast<int64_t>(Below(5)) - 2);
    add("gear", static_cast<int64_t>(Below(5)) - 2);
    add("ignition", Below(2) == 0);
    add("label", std::string(1, static_cast<char>('a' + Below(3))));
    return record;
  }

  Numeric Number(int depth) {
    if (depth == 0 || Below(4) == 0) return Leaf();
    if (Below(6) == 0) {
      Numeric a = Number(depth - 1);
      return {"abs(" + a.text + ")", [a](const TestRecord& r) {
                const auto v = a.eval(r);
                return v ? std::optional(std::abs(*v)) : v;
              }};
    }
    static const char* const kOps[] = {"+", "-", "*", "/", "min", "max"};
    const size_t op = Below(6);
    Numeric a = Number(depth - 1);
    Numeric b = Number(depth - 1);
    const std::string text =
        op < 4 ? "(" + a.text + " " + kOps[op] + " " + b.text + ")"
               : std::string(kOps[op]) + "(" + a.text + ", " + b.text + ")";
    return {text, [a, b, op](const TestRecord& r) -> std::optional<double> {
              const auto v = a.eval(r);
              const auto w = b.eval(r);
              if (!v || !w) return {};
              const double results[] = {
                  *v + *w,          *v - *w,
                  *v * *w,          *w == 0 ? NAN : *v / *w,
                  std::min(*v, *w), std::max(*v, *w)};
              if (!std::isfinite(results[op])) return {};
              return results[op];
            }};
  }

  Logical Condition(int depth) {
    const size_t kind = depth == 0 ? Below(3) : Below(7);
    if (kind == 0) {
      return {"ignition",
              [](const TestRecord& r) { return Get<bool>(r, "ignition"); }};
    }
    if (kind == 1) {
      return {"label == 'b'", [](const TestRecord& r) -> std::optional<bool> {
                const auto v = Get<std::string>(r, "label");
                if (!v) return {};
                return *v == "b";
              }};
    }
    if (kind <= 3) return Comparison();
    Logical a = Condition(depth - 1);
    if (kind == 4) {
      return {"not (" + a.text + ")",
              [a](const TestRecord& r) -> std::optional<bool> {
                const auto v = a.eval(r);
                if (!v) return {};
                return !*v;
              }};
    }
    Logical b = Condition(depth - 1);
    const bool is_and = kind == 5;
    return {"(" + a.text + (is_and ? " and " : " || ") + b.text + ")",
            [a, b, is_and](const TestRecord& r) -> std::optional<bool> {
              const auto v = a.eval(r);
              const auto w = b.eval(r);
              // What decides: false for and, true for or.
              if ((v && *v != is_and) || (w && *w != is_and)) return !is_and;
              if (!v || !w) return {};
              return is_and;
            }};
  }

 private:
  template <typename T>
  static std::optional<T> Get(const TestRecord& record,
                              const std::string& name) {
    for (const auto& [cell_name, cell] : record.cells) {
      if (cell_name == name && std::holds_alternative<T>(cell)) {
        return std::get<T>(cell);
      }
    }
    return {};
  }

  Numeric Leaf() {
    static const char* const kNames[] = {"x", "y", "count", "gear"};
    const size_t kind = Below(5);
    if (kind == 4) {
      const int value = static_cast<int>(Below(7)) - 3;
      return {std::to_string(value), [value](const TestRecord&) {
                return std::optional<double>(value);
              }};
    }
    const std::string name = kNames[kind];
    return {name, [name, kind](const TestRecord& r) -> std::optional<double> {
              if (kind < 2) return Get<double>(r, name);
              const auto v = Get<int64_t>(r, name);
              if (!v) return {};
              return static_cast<double>(*v);
            }};
  }

  Logical Comparison() {
    static const char* const kOps[] = {"<", "<=", "==", "!=", ">=", ">"};
    const size_t op = Below(6);
    Numeric a = Number(2);
    Numeric b = Number(2);
    return {"(" + a.text + " " + kOps[op] + " " + b.text + ")",
            [a, b, op](const TestRecord& r) -> std::optional<bool> {
              const auto v = a.eval(r);
              const auto w = b.eval(r);
              if (!v || !w) return {};
              const bool results[] = {
                  *v<*w, *v <= *w, *v == *w, *v != *w, *v >= *w, *v> * w};
              return results[op];
            }};
  }

  std::mt19937 random_;
};

TEST(ExpressionTest, ColumnsAgreeWithAScalarEvaluator) {
  Generator generator(20260101);
  const BatchBuilder builder(Schema());
  size_t counts[3] = {0, 0, 0};
  size_t compiled = 0;
  for (int round = 0; round < 400; ++round) {
    const Generator::Logical expected = generator.Condition(4);
    ExpressionError error;
    auto condition = Condition::Compile(expected.text, Schema(), error);
    if (!condition.has_value()) {
      // The one thing the generator does not avoid.
      ASSERT_THAT(error.message, HasSubstr("not a finite")) << expected.text;
      continue;
    }
    ++compiled;
    // Around the size of a block, and less.
    const size_t rows = round % 8 == 0 ? 250 + generator.Below(270) : 20;
    Batch batch(Schema());
    std::vector<TestRecord> records;
    for (size_t row = 0; row < rows; ++row) {
      records.push_back(generator.Record());
      builder.Add(batch, records.back(), static_cast<Offset>(row));
    }
    std::vector<Truth> truths;
    condition->Evaluate(batch, {0, batch.records()}, truths);
    ASSERT_EQ(truths.size(), rows);
    for (size_t row = 0; row < rows; ++row) {
      const auto value = expected.eval(records[row]);
      const Truth truth = !value   ? Truth::kUnknown
                          : *value ? Truth::kTrue
                                   : Truth::kFalse;
      ASSERT_EQ(truths[row], truth) << expected.text << " row " << row;
      ++counts[static_cast<size_t>(truth)];
    }
  }
  EXPECT_GT(compiled, 300U);
  for (const size_t count : counts) EXPECT_GT(count, 1000U);
}

TEST(ExpressionTest, NumbersAgreeWithAScalarEvaluator) {
  Generator generator(7);
  const BatchBuilder builder(Schema());
  for (int round = 0; round < 300; ++round) {
    const Generator::Numeric expected = generator.Number(4);
    ExpressionError error;
    auto quantity = Quantity::Compile(expected.text, Schema(), error);
    if (!quantity.has_value()) {
      ASSERT_THAT(error.message, HasSubstr("not a finite")) << expected.text;
      continue;
    }
    Batch batch(Schema());
    std::vector<TestRecord> records;
    for (size_t row = 0; row < 30; ++row) {
      records.push_back(generator.Record());
      builder.Add(batch, records.back(), static_cast<Offset>(row));
    }
    std::vector<double> values;
    std::vector<uint8_t> known;
    quantity->Evaluate(batch, {0, batch.records()}, values, known);
    for (size_t row = 0; row < records.size(); ++row) {
      const auto value = expected.eval(records[row]);
      ASSERT_EQ(known[row] != 0, value.has_value()) << expected.text;
      if (value) {
        ASSERT_EQ(values[row], *value) << expected.text;
      }
    }
  }
}

TEST(ExpressionTest, GarbageNeverCrashesTheCompiler) {
  std::mt19937 random(3);
  const std::string pieces[] = {
      "speed", "x",    "(",  ")",    "and",  "or", "not",  "<", "==", "5",
      "1e",    "km/h", "°F", "'a",   "\"",   "+",  "-",    "*", "/",  ",",
      "max",   "ab",   "!",  "\xFF", "true", " ",  "min(", "%", ".5", "x"};
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    const size_t size = random() % 12;
    for (size_t i = 0; i < size; ++i) {
      text += pieces[random() % std::size(pieces)];
      if (random() % 2 == 0) text += ' ';
    }
    ExpressionError error{9999, ""};
    if (Condition::Compile(text, Schema(), error).has_value()) continue;
    ASSERT_LE(error.offset, text.size()) << text;
    ASSERT_FALSE(error.message.empty()) << text;
  }
}

TEST(ExpressionTest, DifferencesOfTemperaturesAreWrittenInCelsius) {
  const Cells cells = {{"oil", 110.0}, {"engine_temp", 95.0}};
  EXPECT_EQ(Eval("oil - engine_temp > 10 celsius", cells), 'T');
  EXPECT_EQ(Eval("abs(engine_temp - oil) > 20 celsius", cells), 'F');
  EXPECT_EQ(Eval("oil - engine_temp > 0", cells), 'T');
  // Points: a mean, and one that is moved.
  EXPECT_EQ(Eval("(oil + engine_temp) / 2 > 212 F", cells), 'T');
  EXPECT_EQ(Eval("oil - 5 celsius > 212 F", cells), 'T');
  EXPECT_EQ(Eval("engine_temp + (oil - engine_temp) > 212 F", cells), 'T');
  EXPECT_EQ(Eval("oil - (oil - engine_temp) > 212 F", cells), 'F');
  EXPECT_EQ(Eval("max(oil, engine_temp) > 212 F", cells), 'T');
}

TEST(ExpressionTest, QuotientsOfOneDimensionHaveNoUnit) {
  const Cells cells = {{"mph", 160.9344}, {"speed", 80.4672}, {"x", 2.0}};
  EXPECT_EQ(Eval("mph / speed > 1.5", cells), 'T');
  EXPECT_EQ(Eval("(mph / 1 mph) * (mph / 1 mph) > 9999", cells), 'T');
  EXPECT_EQ(Eval("(mph / 1 mph) * (mph / 1 mph) > 10001", cells), 'F');
  EXPECT_EQ(Eval("mph * 2 > 199 mph", cells), 'T');
  EXPECT_EQ(Eval("mph * mph > 0", cells), 'T');
  EXPECT_EQ(Eval("speed * speed > 6400", cells), 'T');
  EXPECT_EQ(Eval("mph * mph > mph * speed", cells), 'T');
  EXPECT_EQ(Eval("min(0, mph) == 0", cells), 'T');
}

}  // namespace
}  // namespace tacho
