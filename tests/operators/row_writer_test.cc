#include "operators/row_writer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "pipeline/base/units.h"
#include "tests/support/batch_builder.h"

namespace tacho {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Notes what it is given, in order: "n@cause" for a row, "late cause" for a
// late record, "|" for a batch.
class NotingSink final : public RowSink {
 public:
  void Take(const Batch& rows, const std::vector<LateRecord>& late,
            const uint8_t* selected) override {
    all_selected = selected == nullptr;
    if (!seen.empty()) seen.push_back("|");
    size_t row = 0;
    const auto note_to = [&](size_t end) {
      for (; row < end; ++row) {
        seen.push_back(Cell(rows.columns[0], row) + "@" +
                       std::to_string(rows.CauseOf(row)));
      }
    };
    for (const LateRecord& record : late) {
      note_to(record.at);
      seen.push_back("late " + std::to_string(record.cause));
    }
    note_to(rows.records());
    if (rows.records() > 0) {
      last_vehicle = rows.vehicle[row - 1];
      last_vehicle_id = rows.vehicle_id[row - 1];
      last_time = rows.event_time[row - 1];
    }
  }
  static std::string Cell(const Column& column, size_t row) {
    if (column.state[row] != CellState::kValid) return "null";
    switch (column.type) {
      case SignalType::kString:
        return std::string(column.strings[row]);
      case SignalType::kDouble:
        return std::to_string(column.doubles[row]);
      case SignalType::kBool:
        return column.bools[row] != 0 ? "true" : "false";
      case SignalType::kInt64:
        break;
    }
    return std::to_string(column.ints[row]);
  }

  std::vector<std::string> seen;
  bool all_selected = true;
  VehicleIndex last_vehicle = 0;
  std::string last_vehicle_id;
  Timestamp last_time{};
};

class RowWriterTest : public ::testing::Test {
 protected:
  RowWriter Make(FieldType type) {
    return RowWriter({{"f", type, Dimension::kNone, {}, true}}, sink_,
                     metrics_);
  }

  NotingSink sink_;
  LaneMetrics metrics_;
};

TEST_F(RowWriterTest, ARowHasItsVehicleItsTimeAndItsCause) {
  RowWriter rows = Make(FieldType::kInt64);
  Batch input{SignalSchema()};
  rows.SetInput(&input);
  rows.Begin(3, 9, "v-9", FromEpochMillis(17));
  rows.Int(5);
  rows.End();
  EXPECT_THAT(sink_.seen, IsEmpty());
  rows.Flush();
  EXPECT_THAT(sink_.seen, ElementsAre("5@3"));
  EXPECT_EQ(sink_.last_vehicle, 9U);
  EXPECT_EQ(sink_.last_vehicle_id, "v-9");
  EXPECT_EQ(sink_.last_time, FromEpochMillis(17));
  rows.Flush();
  EXPECT_THAT(sink_.seen, ElementsAre("5@3"));
}

TEST_F(RowWriterTest, ACauseIsPassedOnAndNoCauseStaysNone) {
  RowWriter rows = Make(FieldType::kInt64);
  Batch input{SignalSchema()};
  input.cause = {7, kNoCause};
  rows.SetInput(&input);
  for (const int64_t row : {0, 1, -1}) {
    rows.Begin(row, 0, "v", Timestamp());
    rows.Int(row);
    rows.End();
  }
  rows.Flush();
  EXPECT_THAT(sink_.seen, ElementsAre("0@7", "1@-1", "-1@-1"));
}

TEST_F(RowWriterTest, EveryTypeHasItsCells) {
  const auto one = [&](FieldType type, auto write) {
    RowWriter rows = Make(type);
    rows.Begin(-1, 0, "v", Timestamp());
    write(rows);
    rows.End();
    sink_.seen.clear();
    rows.Flush();
    return sink_.seen.at(0);
  };
  EXPECT_EQ(one(FieldType::kText, [](RowWriter& r) { r.Text("a"); }), "a@-1");
  EXPECT_EQ(one(FieldType::kBool, [](RowWriter& r) { r.Bool(true); }),
            "true@-1");
  EXPECT_EQ(one(FieldType::kDouble, [](RowWriter& r) { r.Double(0.5); }),
            "0.500000@-1");
  EXPECT_EQ(
      one(FieldType::kTime, [](RowWriter& r) { r.Time(FromEpochMillis(12)); }),
      "12@-1");
  EXPECT_EQ(one(FieldType::kTime, [](RowWriter& r) { r.Null(); }), "null@-1");
}

TEST_F(RowWriterTest, ANumberThatIsNotFiniteIsNoValue) {
  RowWriter rows = Make(FieldType::kDouble);
  for (const double value :
       {std::nan(""), 1.0, -std::numeric_limits<double>::infinity()}) {
    rows.Begin(-1, 0, "v", Timestamp());
    rows.Double(value);
    rows.End();
  }
  rows.Flush();
  EXPECT_THAT(sink_.seen, ElementsAre("null@-1", "1.000000@-1", "null@-1"));
}

TEST_F(RowWriterTest, AnOverflowIsNullAndCounted) {
  RowWriter rows = Make(FieldType::kInt64);
  rows.Begin(-1, 0, "v", Timestamp());
  rows.Overflow();
  rows.End();
  rows.Flush();
  EXPECT_THAT(sink_.seen, ElementsAre("null@-1"));
  EXPECT_EQ(metrics_.sum_overflow.value(), 1U);
}

TEST_F(RowWriterTest, ACopiedTextOutlivesItsSource) {
  RowWriter rows = Make(FieldType::kText);
  std::string text = "before";
  rows.Begin(-1, 0, "v", Timestamp());
  rows.CopyText(text);
  rows.End();
  text = "after!";
  rows.Flush();
  EXPECT_THAT(sink_.seen, ElementsAre("before@-1"));
}

TEST_F(RowWriterTest, LateRecordsKeepTheirPlaceBetweenRows) {
  RowWriter rows = Make(FieldType::kInt64);
  Batch input{SignalSchema()};
  rows.SetInput(&input);
  const auto add = [&](int64_t n) {
    rows.Begin(n, 0, "v", Timestamp());
    rows.Int(n);
    rows.End();
  };
  rows.Late(0, Timestamp(), Timestamp());
  add(1);
  rows.LateBehind(2, Timestamp());
  rows.Late(3, Timestamp(), Timestamp());
  add(4);
  rows.Late(5, Timestamp(), Timestamp());
  rows.Flush();
  EXPECT_THAT(sink_.seen, ElementsAre("late 0", "1@1", "late 2", "late 3",
                                      "4@4", "late 5"));
}

TEST_F(RowWriterTest, AFullBatchIsHandedOn) {
  RowWriter rows = Make(FieldType::kInt64);
  Batch input{SignalSchema()};
  rows.SetInput(&input);
  const auto add = [&] {
    rows.Begin(-1, 0, "v", Timestamp());
    rows.Int(1);
    rows.End();
  };
  for (size_t i = 0; i + 1 < RowWriter::kMaxRows; ++i) add();
  EXPECT_THAT(sink_.seen, IsEmpty());
  add();
  EXPECT_EQ(sink_.seen.size(), RowWriter::kMaxRows);
  for (size_t i = 0; i + 1 < RowWriter::kMaxRows; ++i) {
    rows.Late(i, Timestamp(), Timestamp());
  }
  EXPECT_EQ(sink_.seen.size(), RowWriter::kMaxRows);
  rows.Late(0, Timestamp(), Timestamp());
  EXPECT_EQ(sink_.seen.size(), 2 * RowWriter::kMaxRows + 1);
}

TEST_F(RowWriterTest, AlignedRowsAreTheInputs) {
  RowWriter rows = Make(FieldType::kInt64);
  Batch input{SignalSchema()};
  const BatchBuilder builder{SignalSchema()};
  for (int64_t i = 0; i < 100; ++i) {
    builder.Add(input, {"v" + std::to_string(i), i, {}}, i);
    input.vehicle[static_cast<size_t>(i)] = static_cast<VehicleIndex>(i + 1);
    input.vehicle_time[static_cast<size_t>(i)] = FromEpochMillis(i + 5);
  }
  rows.SetInput(&input);
  for (int round = 0; round < 2; ++round) {
    Batch& out = rows.Align();
    EXPECT_TRUE(rows.aligned());
    ASSERT_EQ(out.records(), 100U);
    EXPECT_EQ(out.vehicle[99], 100U);
    EXPECT_EQ(out.vehicle_id[99], "v99");
    EXPECT_EQ(out.event_time[99], FromEpochMillis(99));
    EXPECT_EQ(out.vehicle_time[99], FromEpochMillis(104));
    EXPECT_EQ(out.columns[0].state[99], CellState::kAbsent);
    out.columns[0].ints[99] = 7;
    out.columns[0].state[99] = CellState::kValid;
    EXPECT_EQ(rows.batch().columns[0].ints[99], 7);
    EXPECT_EQ(rows.batch().CauseOf(99), 99);
    sink_.seen.clear();
    const std::vector<uint8_t> selected(100, 1);
    rows.Flush(selected.data());
    EXPECT_FALSE(rows.aligned());
    EXPECT_FALSE(sink_.all_selected);
    ASSERT_EQ(sink_.seen.size(), 100U);
    EXPECT_EQ(sink_.seen[99], "7@99");
  }
}

TEST(RowSchemaTest, UnitsGoToFieldsOfTheirDimension) {
  const RowSchema schema =
      WithUnits({{"a", FieldType::kDouble, Dimension::kSpeed},
                 {"b", FieldType::kDouble, Dimension::kDistance},
                 {"c", FieldType::kDouble},
                 {"d", FieldType::kInt64, Dimension::kTemperature}},
                {FindUnit("mph"), FindUnit("km"), FindUnit("F")});
  EXPECT_EQ(schema[0].unit, FindUnit("mph"));
  EXPECT_EQ(schema[1].unit, nullptr);  // Its own unit.
  EXPECT_EQ(schema[2].unit, nullptr);
  EXPECT_EQ(schema[3].unit, FindUnit("F"));
}

TEST(RowSchemaTest, FieldsHaveColumnsOfTheirTypes) {
  const SignalSchema columns =
      ColumnsOf({{"t", FieldType::kText},
                 {"i", FieldType::kInt64},
                 {"d", FieldType::kDouble, Dimension::kSpeed},
                 {"b", FieldType::kBool},
                 {"at", FieldType::kTime}});
  ASSERT_EQ(columns.size(), 5U);
  EXPECT_EQ(columns[0].type, SignalType::kString);
  EXPECT_EQ(columns[1].type, SignalType::kInt64);
  EXPECT_EQ(columns[2].type, SignalType::kDouble);
  EXPECT_EQ(columns[2].dimension, Dimension::kSpeed);
  EXPECT_EQ(columns[3].type, SignalType::kBool);
  EXPECT_EQ(columns[4].type, SignalType::kInt64);
  EXPECT_EQ(columns[4].name, "at");
}

}  // namespace
}  // namespace tacho
