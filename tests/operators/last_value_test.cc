#include "operators/last_value.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <random>
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
                       {"gear", SignalType::kInt64, Dimension::kNone},
                       {"on", SignalType::kBool, Dimension::kNone},
                       {"label", SignalType::kString, Dimension::kNone}});
}

TestOperator Newest(const std::vector<std::string>& names) {
  std::vector<ParamValue> children;
  for (const std::string& name : names) children.push_back(Param("", name));
  return {"last_value", {Param("signals", std::move(children))}};
}

std::vector<std::string> Errors(const std::vector<std::string>& names,
                                const SignalSchema& schema = Schema()) {
  OperatorParams params;
  params.values = Newest(names).params;
  std::vector<ParamError> found;
  const auto made =
      FindOperatorType("last_value")->make(params, schema, {}, found);
  EXPECT_EQ(made == nullptr, !found.empty());
  std::vector<std::string> out;
  for (const ParamError& error : found) out.push_back(error.message);
  return out;
}

TEST(LastValueTest, AValueStaysUntilANewerOneComes) {
  TestLane lane(Schema(), {{Newest({"speed", "label"})}}, {});
  lane.Run({{"a", 1000, {{"speed", 10.5}}},
            {"b", 1100, {{"label", std::string("b")}}},
            {"a", 1500, {{"label", std::string("x")}}},
            {"a", 1700, {{"speed", CellState::kNull}}},
            {"a", 1700, {{"speed", 12.0}}}});
  EXPECT_THAT(
      lane.Values(TestLane::kFirstSink),
      ElementsAre(R"({"vehicle_id":"a","time":1000,"speed":10.5,)"
                  R"("speed_age_ms":0,"label":null,"label_age_ms":null})",
                  R"({"vehicle_id":"b","time":1100,"speed":null,)"
                  R"("speed_age_ms":null,"label":"b","label_age_ms":0})",
                  R"({"vehicle_id":"a","time":1500,"speed":10.5,)"
                  R"("speed_age_ms":500,"label":"x","label_age_ms":0})",
                  R"({"vehicle_id":"a","time":1700,"speed":10.5,)"
                  R"("speed_age_ms":700,"label":"x","label_age_ms":200})",
                  R"({"vehicle_id":"a","time":1700,"speed":12,)"
                  R"("speed_age_ms":0,"label":"x","label_age_ms":200})"));
}

TEST(LastValueTest, ARecordInDisorderChangesNothingThatIsNewer) {
  TestLane lane(Schema(), {{Newest({"speed", "gear"})}}, {});
  lane.Run({{"a", 2000, {{"speed", 1.0}}},
            {"a", 500, {{"speed", 9.0}, {"gear", int64_t{4}}}}});
  EXPECT_EQ(lane.Values(TestLane::kFirstSink).back(),
            R"({"vehicle_id":"a","time":500,"speed":1,"speed_age_ms":0,)"
            R"("gear":4,"gear_age_ms":1500})");
}

TEST(LastValueTest, NamesAreSignalsAndEachIsThereOnce) {
  EXPECT_THAT(Errors({"sped"}),
              ElementsAre(HasSubstr("unknown signal \"sped\"; did you mean")));
  EXPECT_THAT(Errors({"speed", "gear", "speed"}),
              ElementsAre(HasSubstr("\"speed\" is taken")));
  const SignalSchema clashes({{"a", SignalType::kDouble},
                              {"a_age_ms", SignalType::kInt64},
                              {"time", SignalType::kInt64}});
  EXPECT_THAT(Errors({"a", "a_age_ms"}, clashes),
              ElementsAre(HasSubstr("\"a_age_ms\" is taken")));
  EXPECT_THAT(Errors({"a_age_ms", "a"}, clashes),
              ElementsAre(HasSubstr("\"a\" is taken")));
  EXPECT_THAT(Errors({"time"}, clashes),
              ElementsAre(HasSubstr("\"time\" is taken")));
  EXPECT_THAT(Errors({"on", "label"}), IsEmpty());
  std::vector<Signal> many;
  std::vector<std::string> names;
  for (int i = 0; i < 65; ++i) {
    names.push_back("s" + std::to_string(i));
    many.push_back({names.back(), SignalType::kDouble});
  }
  EXPECT_THAT(Errors(names, SignalSchema(many)),
              ElementsAre("more than 64 signals"));
  names.pop_back();
  EXPECT_THAT(Errors(names, SignalSchema(many)), IsEmpty());
}

TEST(LastValueTest, AVehicleThatWasForgottenStartsAnew) {
  TestLane::Options options;
  options.settings.vehicle_idle_timeout = Millis(10);
  options.settings.vehicle_forget = Millis(1000);
  TestLane lane(Schema(), {{Newest({"speed"})}}, options);
  lane.Run({{"a", 5000, {{"speed", 3.0}}},
            {"b", 5999, {}},
            {"a", 5999, {}},
            {"b", 6999, {}},
            {"a", 6999, {}}});
  std::vector<std::string> speeds;
  for (const std::string& value : lane.Values(TestLane::kFirstSink)) {
    const size_t at = value.find("\"speed\":");
    speeds.push_back(value.substr(at + 8, value.find(',', at) - at - 8));
  }
  EXPECT_THAT(speeds, ElementsAre("3", "null", "3", "null", "null"));
}

// What it fills in is there for what follows.
TEST(LastValueTest, AConditionOverTwoSignalsThatComeApart) {
  TestLane lane(Schema(),
                {{Newest({"speed", "on"}),
                  {"filter", {Param("condition", "speed > 50 and on")}},
                  {"project", {Param("fields", {Param("v", "speed")})}}}},
                {});
  lane.Run({{"a", 1, {{"on", true}}},
            {"a", 2, {{"speed", 60.0}}},
            {"a", 3, {{"on", false}}},
            {"a", 4, {{"on", true}}}});
  EXPECT_THAT(lane.Values(TestLane::kFirstSink),
              ElementsAre(R"({"vehicle_id":"a","time":2,"v":60})",
                          R"({"vehicle_id":"a","time":4,"v":60})"));
}

// The other reading: every signal of a vehicle has all its values, and the
// newest is looked for at each record.
class Model {
 public:
  explicit Model(Millis forget) : forget_(forget.count()) {}

  std::optional<std::string> Add(const TestRecord& record, bool taken) {
    now_ = std::max(now_, record.event_ms);
    Vehicle& vehicle = vehicles_[record.vehicle];
    if (!vehicle.seen || vehicle.last_seen + forget_ <= now_) {
      const int64_t floor = std::max(vehicle.time, now_ - forget_);
      vehicle = {};
      vehicle.time = floor;
    }
    vehicle.seen = true;
    vehicle.last_seen = now_;
    vehicle.time = std::max(vehicle.time, record.event_ms);
    if (!taken) return std::nullopt;
    for (const auto& [name, cell] : record.cells) {
      const std::string text = Text(cell);
      if (!text.empty())
        vehicle.values[name].push_back({record.event_ms, text});
    }
    std::string row = R"({"vehicle_id":")" + record.vehicle + R"(","time":)" +
                      std::to_string(record.event_ms);
    for (const char* const name : {"speed", "gear", "on", "label"}) {
      std::string value = "null";
      std::string age = "null";
      int64_t at = INT64_MIN;
      for (const auto& [time, text] : vehicle.values[name]) {
        if (time < at) continue;
        at = time;
        value = text;
        age = std::to_string(vehicle.time - time);
      }
      row += std::string(",\"") + name + "\":" + value + ",\"" + name +
             "_age_ms\":" + age;
    }
    return row + "}";
  }

 private:
  struct Vehicle {
    bool seen = false;
    int64_t last_seen = 0;
    int64_t time = INT64_MIN;
    std::map<std::string, std::vector<std::pair<int64_t, std::string>>> values;
  };

  static std::string Text(const TestCell& cell) {
    if (const auto* number = std::get_if<double>(&cell)) {
      char digits[32];
      return {digits,
              std::to_chars(digits, digits + sizeof digits, *number).ptr};
    }
    if (const auto* whole = std::get_if<int64_t>(&cell)) {
      return std::to_string(*whole);
    }
    if (const auto* flag = std::get_if<bool>(&cell)) {
      return *flag ? "true" : "false";
    }
    if (const auto* text = std::get_if<std::string>(&cell)) {
      return '"' + *text + '"';
    }
    return "";
  }

  const int64_t forget_;
  int64_t now_ = INT64_MIN;
  std::map<std::string, Vehicle> vehicles_;
};

class LastValueRandomTest : public ::testing::TestWithParam<uint32_t> {};

TEST_P(LastValueRandomTest, AgreesWithTheModelWhateverBatchesAndRestarts) {
  std::mt19937 random(GetParam());
  std::vector<TestRecord> records;
  std::vector<std::string> expected;
  Model model(Millis(60000));
  int64_t time = 1700000000000;
  for (int i = 0; i < 1500; ++i) {
    time += static_cast<int64_t>(random() % 400);
    if (random() % 200 == 0) time += 45000;
    // Some vehicles come rarely, so that they are forgotten.
    const size_t vehicle = random() % 50 == 0 ? 5 + random() % 4 : random() % 5;
    TestRecord record{"v" + std::to_string(vehicle),
                      time - static_cast<int64_t>(random() % 3 * 700),
                      {}};
    const auto add = [&](const char* name, TestCell cell) {
      switch (random() % 4) {
        case 0:
          return;
        case 1:
          record.cells.emplace_back(
              name, random() % 2 == 0 ? CellState::kNull : CellState::kInvalid);
          return;
        default:
          record.cells.emplace_back(name, std::move(cell));
      }
    };
    const auto gear = static_cast<int64_t>(random() % 6);
    add("speed", static_cast<double>(random() % 1000) / 8);
    add("on", random() % 2 == 0);
    add("label", std::string(random() % 40, 'x'));
    record.cells.emplace_back("gear", gear);
    const auto row = model.Add(record, gear > 0);
    if (row.has_value()) expected.push_back(*row);
    records.push_back(std::move(record));
  }
  const TestOperator filter{"filter", {Param("condition", "gear > 0")}};
  for (const bool restart : {false, true}) {
    for (const size_t size : {size_t{1}, size_t{7}, size_t{1000}}) {
      TestLane::Options options;
      options.batch_size = size;
      options.restart_each_batch = restart;
      options.commit_each_batch = true;
      options.memory_bytes = size == 7 ? 1 : options.memory_bytes;  // Evicts.
      options.settings.vehicle_idle_timeout = Millis(30000);
      options.settings.vehicle_forget = Millis(60000);
      TestLane lane(Schema(),
                    {{filter, Newest({"speed", "gear", "on", "label"})}},
                    options);
      lane.Run(records);
      const auto values = lane.Values(TestLane::kFirstSink);
      ASSERT_EQ(values.size(), expected.size());
      for (size_t i = 0; i < values.size(); ++i) {
        ASSERT_EQ(values[i], expected[i]) << "row " << i << " size " << size;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, LastValueRandomTest, ::testing::Range(1U, 6U));

}  // namespace
}  // namespace tacho
