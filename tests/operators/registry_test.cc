#include "operators/registry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/support/test_lane.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SignalSchema Schema() {
  return SignalSchema({{"speed", SignalType::kDouble, Dimension::kSpeed},
                       {"temp", SignalType::kDouble, Dimension::kTemperature}});
}

struct Made {
  std::unique_ptr<Operator> made;
  std::vector<ParamError> errors;
};

Made Make(const std::string& type, std::vector<ParamValue> values,
          StreamSettings settings = {}) {
  OperatorParams params;
  params.values = std::move(values);
  params.mark = 99;
  int mark = 1;
  for (ParamValue& value : params.values) value.mark = mark++;
  const OperatorType& found = *FindOperatorType(type);
  FillDefaults(found.params, params.mark, params.values);
  Made out;
  out.made = found.make(params, Schema(), settings, out.errors);
  return out;
}

// "mark+offset: message"
std::vector<std::string> Errors(const Made& made) {
  std::vector<std::string> out;
  EXPECT_EQ(made.made == nullptr, !made.errors.empty());
  for (const ParamError& error : made.errors) {
    out.push_back(std::to_string(error.mark) + "+" +
                  std::to_string(error.offset) + ": " + error.message);
  }
  return out;
}

ParamValue Tumbling(Millis size) {
  return Param("window", {Param("tumbling", size)});
}
ParamValue Count() { return Param("aggregates", {Param("n", "count()")}); }

TEST(RegistryTest, TypesAreInAlphabeticalOrder) {
  std::vector<std::string_view> names;
  for (const OperatorType& type : OperatorTypes()) {
    names.push_back(type.name);
    EXPECT_FALSE(type.help.empty());
    const bool shorthand_exists =
        type.shorthand.empty() ||
        std::any_of(
            type.params.begin(), type.params.end(),
            [&](const ParamDef& p) { return p.name == type.shorthand; });
    EXPECT_TRUE(shorthand_exists);
  }
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_EQ(FindOperatorType("nothing"), nullptr);
}

TEST(RegistryTest, AFilterNeedsACondition) {
  EXPECT_THAT(Errors(Make("filter", {})),
              ElementsAre(HasSubstr("99+0: missing parameter \"condition\"")));
  EXPECT_THAT(Errors(Make("filter", {Param("condition", "speed > temp")})),
              ElementsAre(HasSubstr("1+8: ")));
  EXPECT_THAT(Errors(Make("filter", {Param("condition", "speed > 1")})),
              IsEmpty());
}

TEST(RegistryTest, AWindowReportsEveryErrorAtOnce) {
  const Made made =
      Make("window_aggregate",
           {Tumbling(Millis(0)), Param("allowed_lateness", Millis(1800001)),
            Param("aggregates", {Param("a", "x()"), Param("b", "y()")})});
  EXPECT_THAT(Errors(made), ElementsAre(HasSubstr("longer than nothing"),
                                        HasSubstr("2+0: allowed_lateness"),
                                        HasSubstr("unknown function \"x\""),
                                        HasSubstr("unknown function \"y\"")));
}

TEST(RegistryTest, AllowedLatenessMayEqualTheIdleTimeout) {
  StreamSettings settings;
  settings.vehicle_idle_timeout = Millis(5000);
  const auto make = [&](int64_t lateness) {
    return Errors(Make("window_aggregate",
                       {Tumbling(Millis(1000)),
                        Param("allowed_lateness", Millis(lateness)), Count()},
                       settings));
  };
  EXPECT_THAT(make(5000), IsEmpty());
  EXPECT_THAT(make(5001), ElementsAre(HasSubstr("vehicle_idle_timeout")));
}

TEST(RegistryTest, TheWindowSizeIsLimited) {
  const auto make = [](Millis size) {
    return Errors(Make("window_aggregate", {Tumbling(size), Count()}));
  };
  EXPECT_THAT(make(std::chrono::hours(24 * 366)), IsEmpty());
  EXPECT_THAT(make(std::chrono::hours(24 * 366) + Millis(1)),
              ElementsAre(HasSubstr("at most 366 days")));
}

void CheckParams(const std::vector<ParamDef>& params) {
  for (const ParamDef& param : params) {
    EXPECT_FALSE(param.help.empty()) << param.name;
    EXPECT_FALSE(param.required && !param.default_text.empty()) << param.name;
    if (param.kind == ParamKind::kGroup) {
      EXPECT_TRUE(param.default_text.empty() || param.default_text == "{}");
    }
    if (param.kind == ParamKind::kChoice) {
      EXPECT_EQ(param.default_text, "");
      for (const ParamDef& child : param.children) {
        EXPECT_FALSE(child.required) << child.name;
        EXPECT_EQ(child.default_text, "") << child.name;
      }
    }
    for (const ParamDef& child : param.children) {
      // A group that is there without being given is whole.
      const bool defaulted = param.default_text == "{}";
      EXPECT_FALSE(defaulted && child.required) << child.name;
    }
    CheckParams(param.children);
  }
}

TEST(RegistryTest, ParametersOfEveryTypeAreWellFormed) {
  for (const OperatorType& type : OperatorTypes()) CheckParams(type.params);
}

TEST(RegistryTest, DefaultsAreFilledInAtEveryDepth) {
  const ParamDef every = {"every", ParamKind::kDuration, false, "1h", "-"};
  const ParamDef text = {"text", ParamKind::kText, false, "", "-"};
  const std::vector<ParamDef> defs = {
      {"there", ParamKind::kGroup, false, "{}", "-", {every, text}},
      {"absent", ParamKind::kGroup, false, "", "-", {every}},
      {"given", ParamKind::kGroup, false, "", "-", {every, text}},
      {"kind",
       ParamKind::kChoice,
       true,
       "",
       "-",
       {{"a", ParamKind::kGroup, false, "", "-", {every}},
        {"b", ParamKind::kGroup, false, "", "-", {every}}}}};
  std::vector<ParamValue> values = {Param("given", {Param("text", "x")}),
                                    Param("kind", {Param("b", "")})};
  FillDefaults(defs, 7, values);

  const auto find = [&](const char* name) {
    return ParamValue::FindValue(values, name);
  };
  EXPECT_EQ(find("there")->Find("every")->duration, std::chrono::hours(1));
  EXPECT_EQ(find("there")->Find("every")->mark, 7);
  EXPECT_EQ(find("there")->Find("text"), nullptr);
  EXPECT_EQ(find("absent"), nullptr);
  EXPECT_EQ(find("given")->Find("every")->text, "1h");
  ASSERT_EQ(find("kind")->children.size(), 1U);
  EXPECT_EQ(find("kind")->children[0].Find("every")->text, "1h");
}

TEST(RegistryTest, HoppingWindowsLeaveNothingOutAndHaveFewParts) {
  const auto make = [](Millis size, Millis slide) {
    ParamValue hopping =
        Param("hopping", {Param("size", size), Param("slide", slide)});
    hopping.children[0].mark = 7;
    hopping.children[1].mark = 8;
    return Errors(
        Make("window_aggregate", {Param("window", {hopping}), Count()}));
  };
  EXPECT_THAT(make(Millis(60000), Millis(60000)), IsEmpty());
  EXPECT_THAT(make(Millis(60000), Millis(25000)), IsEmpty());
  EXPECT_THAT(make(Millis(60000), Millis(60001)),
              ElementsAre(HasSubstr("8+0: windows of 60000 ms that begin every "
                                    "60001 ms leave out")));
  EXPECT_THAT(make(Millis(0), Millis(0)),
              ElementsAre(HasSubstr("7+0: a window is longer than nothing"),
                          HasSubstr("8+0: a window is longer than nothing")));
  EXPECT_THAT(make(Millis(10000), Millis(1)), IsEmpty());
  EXPECT_THAT(make(Millis(10001), Millis(10000)),
              ElementsAre(HasSubstr("10001 parts of 1 ms")));
}

TEST(RegistryTest, AnExcursionReportsEveryErrorAtOnce) {
  const Made made =
      Make("excursion", {Param("when", "sped > 1"), Param("clear", "temp"),
                         Param("peak", "speed +")});
  EXPECT_THAT(Errors(made),
              ElementsAre(HasSubstr("99+0: missing parameter \"name\""),
                          HasSubstr("2+0: this is no condition"),
                          HasSubstr("1+0: unknown signal \"sped\""),
                          HasSubstr("3+7: the expression ends")));
}

TEST(RegistryTest, AnExcursionNeedsWhenAndANumberForItsPeak) {
  EXPECT_THAT(Errors(Make("excursion", {Param("name", "x")})),
              ElementsAre(HasSubstr("missing parameter \"when\"")));
  EXPECT_THAT(Errors(Make("excursion",
                          {Param("name", ""), Param("when", "speed > 1")})),
              ElementsAre(HasSubstr("the name is empty")));
  EXPECT_THAT(
      Errors(Make("excursion", {Param("name", "x"), Param("when", "speed > 1"),
                                Param("peak", "speed > 1")})),
      ElementsAre(HasSubstr("3+0: this is no number")));
}

TEST(RegistryTest, SchemasNameEveryOutputField) {
  const Made window = Make("window_aggregate",
                           {Tumbling(Millis(1000)),
                            Param("aggregates", {Param("n", "count()"),
                                                 Param("m", "mean(speed)")})});
  EXPECT_THAT(
      window.made->OutputSchema(),
      ElementsAre(
          OutputField{"vehicle_id", FieldType::kText, Dimension::kNone, {1, 0}},
          OutputField{"window_start", FieldType::kTime, Dimension::kNone},
          OutputField{"window_end", FieldType::kTime, Dimension::kNone},
          OutputField{"n", FieldType::kInt64, Dimension::kNone},
          OutputField{"m", FieldType::kDouble, Dimension::kSpeed, {}, true}));
  const Made excursion =
      Make("excursion", {Param("name", "x"), Param("when", "temp > 90")});
  EXPECT_EQ(
      excursion.made->OutputSchema().back(),
      (OutputField{
          "peak", FieldType::kDouble, Dimension::kTemperature, {}, true}));
}

}  // namespace
}  // namespace tacho
