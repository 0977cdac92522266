#include "operators/project.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <charconv>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "pipeline/base/units.h"
#include "tests/support/test_lane.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SignalSchema Schema() {
  return SignalSchema(
      {{"speed", SignalType::kDouble, Dimension::kSpeed, FindUnit("mph")},
       {"gear", SignalType::kInt64, Dimension::kNone},
       {"on", SignalType::kBool, Dimension::kNone},
       {"label", SignalType::kString, Dimension::kNone}});
}

TestOperator Fields(
    const std::vector<std::pair<std::string, std::string>>& fields) {
  std::vector<ParamValue> children;
  for (const auto& [name, text] : fields) {
    children.push_back(Param(name, text));
  }
  return {"project", {Param("fields", std::move(children))}};
}

TestOperator All() {
  return Fields({{"v", "speed"},
                 {"g", "gear"},
                 {"ignition", "on"},
                 {"text", "label"},
                 {"over", "speed - 100 km/h"},
                 {"fast", "speed > 100 km/h"}});
}

std::string Number(double value) {
  char digits[32];
  return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
}

std::vector<std::string> Errors(const TestOperator& op) {
  OperatorParams params;
  params.values = op.params;
  std::vector<ParamError> found;
  const auto made =
      FindOperatorType("project")->make(params, Schema(), {}, found);
  EXPECT_EQ(made == nullptr, !found.empty());
  std::vector<std::string> out;
  for (const ParamError& error : found) {
    out.push_back(std::to_string(error.offset) + ": " + error.message);
  }
  return out;
}

TEST(ProjectTest, ARowOfEveryRecord) {
  TestLane lane(Schema(), {{All()}}, {});
  lane.Run({{"a",
             7,
             {{"speed", 120.5},
              {"gear", int64_t{3}},
              {"on", true},
              {"label", std::string("x\"y")}}},
            {"b", 9, {{"speed", CellState::kInvalid}}}});
  EXPECT_THAT(
      lane.Values(TestLane::kFirstSink),
      ElementsAre(
          R"({"vehicle_id":"a","time":7,"v":120.5,"g":3,"ignition":true,)"
          R"("text":"x\"y","over":20.5,"fast":true})",
          R"({"vehicle_id":"b","time":9,"v":null,"g":null,"ignition":null,)"
          R"("text":null,"over":null,"fast":null})"));
  EXPECT_EQ(lane.metrics.outputs.value(), 2U);
}

TEST(ProjectTest, FieldsKeepTypeUnitAndWhatTheFeedSends) {
  OperatorParams params;
  params.values = All().params;
  std::vector<ParamError> errors;
  const auto made =
      FindOperatorType("project")->make(params, Schema(), {}, errors);
  ASSERT_NE(made, nullptr);
  const RowSchema rows = made->OutputSchema();
  ASSERT_EQ(rows.size(), 8U);
  EXPECT_EQ(rows[2].dimension, Dimension::kSpeed);
  EXPECT_EQ(rows[2].feed_unit, FindUnit("mph"));
  EXPECT_FALSE(rows[2].relative);
  EXPECT_EQ(rows[3].type, FieldType::kInt64);
  EXPECT_EQ(rows[4].type, FieldType::kBool);
  EXPECT_EQ(rows[5].type, FieldType::kText);
  EXPECT_EQ(rows[6].type, FieldType::kDouble);
  EXPECT_EQ(rows[6].dimension, Dimension::kSpeed);
  EXPECT_TRUE(rows[6].relative);
  EXPECT_EQ(rows[7].type, FieldType::kBool);
}

TEST(ProjectTest, TypesAndUnitsAreCheckedWhereTheyAreWritten) {
  EXPECT_THAT(Errors(Fields({{"a", "sped * 2"}})),
              ElementsAre(HasSubstr("0: unknown signal \"sped\"")));
  EXPECT_THAT(Errors(Fields({{"a", "speed + 3 km"}})),
              ElementsAre(HasSubstr("8: ")));
  EXPECT_THAT(Errors(Fields({{"a", "2 * label"}})), ElementsAre(HasSubstr("")));
  EXPECT_THAT(Errors(Fields({{"a", "speed > 100"}})),
              ElementsAre(HasSubstr("mph")));
  EXPECT_THAT(Errors(Fields({{"time", "speed"}, {"vehicle_id", "label"}})),
              ElementsAre(HasSubstr("\"time\" is taken"),
                          HasSubstr("\"vehicle_id\" is taken")));
  EXPECT_THAT(Errors(Fields({{"a", "label == \"x\""}})), IsEmpty());
}

// A window over what was renamed is the window over the signal, whatever a
// filter before it has refused: time moves all the same.
TEST(ProjectTest, WhatFollowsReadsItsFields) {
  const auto window = [](const std::string& signal) {
    return TestOperator{
        "window_aggregate",
        {Param("window", {Param("tumbling", Millis(1000))}),
         Param("allowed_lateness", Millis(300)),
         Param("aggregates",
               {Param("n", "count()"), Param("m", "mean(" + signal + ")")})}};
  };
  const auto excursion = [](const std::string& signal) {
    return TestOperator{
        "excursion",
        {Param("when", signal + " > 60 km/h"), Param("name", "fast")}};
  };
  const TestOperator filter{"filter", {Param("condition", "on")}};
  const TestOperator rename = Fields({{"v", "speed"}, {"w", "speed * 2"}});
  std::mt19937 random(5);
  std::vector<TestRecord> records;
  for (int64_t i = 0; i < 2000; ++i) {
    TestRecord record{"v" + std::to_string(random() % 5),
                      i * 20 - static_cast<int64_t>(random() % 500),
                      {{"on", random() % 3 != 0}}};
    if (random() % 5 != 0) {
      record.cells.emplace_back("speed", static_cast<double>(random() % 120));
    }
    records.push_back(std::move(record));
  }
  for (const size_t size : {size_t{1}, size_t{7}, size_t{1000}}) {
    TestLane::Options options;
    options.batch_size = size;
    options.restart_each_batch = size != 1;
    TestLane lane(Schema(),
                  {{filter, window("speed")},
                   {filter, rename, window("v")},
                   {excursion("speed")},
                   {rename, excursion("v")}},
                  options);
    lane.Run(records);
    lane.Advance(kEndOfTime);
    const auto values = [&](SinkId stream) {
      return lane.Values(TestLane::kFirstSink + stream);
    };
    EXPECT_GT(values(0).size(), 50U);
    EXPECT_EQ(values(0), values(1));
    EXPECT_GT(values(2).size(), 50U);
    EXPECT_EQ(values(2), values(3));
    EXPECT_GT(lane.metrics.late.value(), 0U);
  }
}

class ProjectRandomTest : public ::testing::TestWithParam<uint32_t> {};

TEST_P(ProjectRandomTest, AgreesWithAnotherReadingAtEveryBatchSize) {
  std::mt19937 random(GetParam());
  std::vector<TestRecord> records;
  std::vector<std::string> expected;
  for (int64_t i = 0; i < 1500; ++i) {
    TestRecord record{"v" + std::to_string(random() % 9),
                      static_cast<int64_t>(random() % 100000),
                      {}};
    std::string speed = "null";
    std::string over = "null";
    std::string fast = "null";
    std::string gear = "null";
    bool taken = false;
    switch (random() % 4) {
      case 0:
        record.cells.emplace_back("speed", CellState::kNull);
        break;
      case 1:
        break;
      default: {
        const double value = static_cast<double>(random() % 2000) / 8;
        record.cells.emplace_back("speed", value);
        speed = Number(value);
        over = Number(value - 100);
        fast = value > 100 ? "true" : "false";
        taken = value >= 20;
      }
    }
    if (random() % 3 != 0) {
      const auto value = static_cast<int64_t>(random() % 6);
      record.cells.emplace_back("gear", value);
      gear = std::to_string(value);
    }
    if (taken) {
      expected.push_back(R"({"vehicle_id":")" + record.vehicle +
                         R"(","time":)" + std::to_string(record.event_ms) +
                         R"(,"v":)" + speed + R"(,"g":)" + gear +
                         R"(,"over":)" + over + R"(,"fast":)" + fast + "}");
    }
    records.push_back(std::move(record));
  }
  const TestOperator filter{"filter", {Param("condition", "speed >= 20 km/h")}};
  const TestOperator project = Fields({{"v", "speed"},
                                       {"g", "gear"},
                                       {"over", "speed - 100 km/h"},
                                       {"fast", "speed > 100 km/h"}});
  for (const size_t size : {size_t{1}, size_t{7}, size_t{1000}}) {
    TestLane::Options options;
    options.batch_size = size;
    options.restart_each_batch = true;
    TestLane lane(Schema(), {{filter, project}}, options);
    lane.Run(records);
    EXPECT_EQ(lane.Values(TestLane::kFirstSink), expected);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, ProjectRandomTest, ::testing::Range(1U, 5U));

}  // namespace
}  // namespace tacho
