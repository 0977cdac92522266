#include "pipeline/encode/json_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "pipeline/base/units.h"
#include "tests/support/batch_builder.h"

namespace tacho {
namespace {

using nlohmann::json;

// A row without a cause, of vehicle "v".
void AddRow(Batch& rows, const std::vector<TestCell>& cells) {
  const size_t row = rows.records();
  rows.Reserve(row + 1);
  rows.cause.resize(rows.capacity(), kNoCause);
  rows.vehicle_id[row] = "v";
  for (size_t i = 0; i < cells.size(); ++i) {
    BatchBuilder::SetCell(rows, rows.columns[i], row, cells[i]);
  }
  rows.CommitRow();
}

class JsonEncoderTest : public ::testing::Test {
 protected:
  JsonEncoderTest() {
    target_.out = &out_;
    target_.sink = 5;
    target_.first_cause = 7;
  }

  void Encode(const RowSchema& schema, const std::vector<TestCell>& cells) {
    Batch rows(ColumnsOf(schema));
    AddRow(rows, cells);
    JsonEncoder(schema, options_).Encode(rows, {0, 1}, target_);
  }

  std::string LastValue() const {
    return std::string(out_.Value(out_.records().back()));
  }

  // The text of one value.
  std::string Print(FieldType type, const TestCell& cell) {
    Encode({{"f", type}}, {cell});
    const std::string value = LastValue();
    EXPECT_EQ(value.substr(0, 5), "{\"f\":");
    return value.substr(5, value.size() - 6);
  }
  std::string PrintDouble(double value) {
    return Print(FieldType::kDouble, value);
  }
  std::string PrintText(std::string_view value) {
    return Print(FieldType::kText, std::string(value));
  }
  std::string PrintTime(int64_t ms) { return Print(FieldType::kTime, ms); }

  EncoderOptions options_;
  OutputBuffer out_;
  RowTarget target_;
};

TEST_F(JsonEncoderTest, WritesFieldsInOrderKeyedByVehicle) {
  Encode({{"vehicle_id", FieldType::kText},
          {"n", FieldType::kInt64},
          {"mean", FieldType::kDouble, Dimension::kSpeed},
          {"on", FieldType::kBool},
          {"at", FieldType::kTime},
          {"last", FieldType::kText}},
         {std::string("v-1"), int64_t{-3}, 0.1, true, int64_t{1760184000000},
          CellState::kNull});

  const OutputRecord& record = out_.records().at(0);
  EXPECT_EQ(out_.Key(record), "v");
  EXPECT_EQ(LastValue(), R"({"vehicle_id":"v-1","n":-3,"mean":0.1,"on":true,)"
                         R"("at":1760184000000,"last":null})");
  EXPECT_EQ(record.sink, 5U);
  EXPECT_EQ(record.cause, 7U);
  EXPECT_EQ(record.log_time, kNoLogTime);
}

TEST_F(JsonEncoderTest, WhatHasNoValueIsNullWhateverTheReason) {
  for (const CellState state :
       {CellState::kNull, CellState::kInvalid, CellState::kAbsent}) {
    EXPECT_EQ(Print(FieldType::kText, state), "null");
    EXPECT_EQ(Print(FieldType::kDouble, state), "null");
  }
}

TEST_F(JsonEncoderTest, OnlyTheRowsOfTheRangeAreWritten) {
  const RowSchema schema = {{"n", FieldType::kInt64}};
  Batch rows(ColumnsOf(schema));
  for (int64_t i = 0; i < 5; ++i) AddRow(rows, {i});
  JsonEncoder(schema, options_).Encode(rows, {1, 3}, target_);
  ASSERT_EQ(out_.records().size(), 2U);
  EXPECT_EQ(out_.Value(out_.records()[0]), R"({"n":1})");
  EXPECT_EQ(out_.Value(out_.records()[1]), R"({"n":2})");
}

TEST_F(JsonEncoderTest, OnlySelectedRowsAreWritten) {
  const RowSchema schema = {{"n", FieldType::kInt64}};
  Batch rows(ColumnsOf(schema));
  for (int64_t i = 0; i < 4; ++i) AddRow(rows, {i});
  const std::vector<uint8_t> selected = {1, 0, 1, 1};
  JsonEncoder(schema, options_).Encode(rows, {0, 3, selected.data()}, target_);
  ASSERT_EQ(out_.records().size(), 2U);
  EXPECT_EQ(out_.Value(out_.records()[0]), R"({"n":0})");
  EXPECT_EQ(out_.Value(out_.records()[1]), R"({"n":2})");
}

TEST_F(JsonEncoderTest, ANumberIsWrittenInTheUnitOfItsField) {
  const auto print = [&](const char* unit, FieldType type,
                         const TestCell& cell) {
    OutputField field{"f", type, FindUnit(unit)->dimension};
    field.unit = FindUnit(unit);
    Encode({field}, {cell});
    const std::string value = LastValue();
    return value.substr(5, value.size() - 6);
  };
  EXPECT_EQ(print("mph", FieldType::kDouble, FindUnit("mph")->ToCanonical(75)),
            "75");
  EXPECT_EQ(print("°F", FieldType::kDouble, 110.0), "230");
  EXPECT_EQ(print("°F", FieldType::kDouble, -40.0), "-40");
  EXPECT_EQ(print("m", FieldType::kInt64, int64_t{3}), "3000");
  EXPECT_EQ(print("mph", FieldType::kInt64, int64_t{100}), "62.1371192237334");
  EXPECT_EQ(print("m", FieldType::kDouble, 1e308), "null");
  EXPECT_EQ(print("mph", FieldType::kDouble, CellState::kNull), "null");
}

TEST_F(JsonEncoderTest, ARowCarriesTheOrdinalAndLogTimeOfItsCause) {
  Batch records{SignalSchema()};
  BatchBuilder builder{SignalSchema()};
  builder.Add(records, {"v", 99, {}}, 40);
  builder.Add(records, {"w", 199, {}}, 41);
  const RowSchema schema = {{"n", FieldType::kInt64}};
  Batch rows(ColumnsOf(schema));
  AddRow(rows, {int64_t{1}});
  rows.cause[0] = 1;
  target_.records = &records;
  JsonEncoder(schema, options_).Encode(rows, {0, 1}, target_);
  EXPECT_EQ(out_.records().at(0).cause, 8U);
  EXPECT_EQ(ToEpochMillis(out_.records().at(0).log_time), 200);
}

TEST_F(JsonEncoderTest, EscapesWhatJsonWantsEscapedAndNothingElse) {
  EXPECT_EQ(PrintText("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(PrintText("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(PrintText(std::string_view("\0\x1f\x7f", 3)),
            "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(PrintText("Zürich €"), "\"Zürich €\"");
  EXPECT_EQ(PrintText(""), "\"\"");
}

TEST_F(JsonEncoderTest, EveryByteBelow80ReadsBack) {
  std::string text;
  for (int round = 0; round < 3; ++round) {
    for (char c = 0; c < 0x7f; ++c) text += c;
  }
  EXPECT_EQ(json::parse(PrintText(text)).get<std::string>(), text);
}

TEST_F(JsonEncoderTest, DoublesArePrintedShortest) {
  EXPECT_EQ(PrintDouble(0), "0");
  EXPECT_EQ(PrintDouble(1), "1");
  EXPECT_EQ(PrintDouble(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(PrintDouble(-273.15), "-273.15");
  EXPECT_EQ(PrintDouble(5e-324), "5e-324");
  EXPECT_EQ(PrintDouble(1e22), "1e+22");
}

TEST_F(JsonEncoderTest, DoublesReadBackBitForBit) {
  std::mt19937_64 random(11);
  for (int i = 0; i < 20000; ++i) {
    const uint64_t bits = random();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    const std::string text = PrintDouble(value);
    const double back = std::strtod(text.c_str(), nullptr);
    ASSERT_EQ(std::memcmp(&back, &value, sizeof value), 0) << text;
    // Nothing shorter does: printf needs at least as many digits.
    char shorter[40];
    std::snprintf(shorter, sizeof shorter, "%.*g", 15, value);
    if (std::strtod(shorter, nullptr) == value) {
      ASSERT_LE(text.size(), std::strlen(shorter)) << shorter;
    }
  }
}

TEST_F(JsonEncoderTest, TheLocaleDoesNotMatter) {
  if (std::setlocale(LC_NUMERIC, "de_DE.UTF-8") == nullptr) {
    GTEST_SKIP() << "no locale with a decimal comma here";
  }
  EXPECT_EQ(PrintDouble(1.5), "1.5");
  std::setlocale(LC_NUMERIC, "C");
}

TEST_F(JsonEncoderTest, TimesAreEpochMillisOrIso8601) {
  EXPECT_EQ(PrintTime(-1), "-1");
  options_.time_format = TimeFormat::kIso8601;
  EXPECT_EQ(PrintTime(0), "\"1970-01-01T00:00:00.000Z\"");
  EXPECT_EQ(PrintTime(1709210096007), "\"2024-02-29T12:34:56.007Z\"");
  EXPECT_EQ(PrintTime(-1), "\"1969-12-31T23:59:59.999Z\"");
  EXPECT_EQ(PrintTime(-62167219200000), "\"0000-01-01T00:00:00.000Z\"");
  EXPECT_EQ(PrintTime(253402300799999), "\"9999-12-31T23:59:59.999Z\"");
  EXPECT_EQ(PrintTime(253402300800000), "253402300800000");
  EXPECT_EQ(PrintTime(-62167219200001), "-62167219200001");
}

TEST_F(JsonEncoderTest, FieldNamesAreEscapedToo) {
  Encode({{"a\"b", FieldType::kInt64}}, {int64_t{1}});
  EXPECT_EQ(LastValue(), R"({"a\"b":1})");
}

// What preflight holds against a topic's limit.
TEST_F(JsonEncoderTest, NoRowIsLongerThanItsSchemaSays) {
  const RowSchema schema = {{"vehicle_id", FieldType::kText, {}, {1, 0}},
                            {"fixed", FieldType::kText, {}, {0, 3}},
                            {"signal", FieldType::kText},
                            {"n\n", FieldType::kInt64},
                            {"d", FieldType::kDouble},
                            {"at", FieldType::kTime}};
  constexpr TextLimits kLimits{30, 12};
  const std::string two_escapes(2, '\x01');   // 12 bytes as JSON.
  const std::string five_escapes(5, '\x01');  // 30.
  options_.time_format = TimeFormat::kIso8601;
  Encode(schema, {two_escapes, std::string("abc"), five_escapes,
                  std::numeric_limits<int64_t>::min(), -2.2250738585072014e-308,
                  int64_t{253402300799999}});
  const size_t bound = JsonEncoding().max_bytes(schema, kLimits);
  // Numbers and times have room to spare; nothing else has.
  EXPECT_LE(LastValue().size(), bound);
  EXPECT_GE(LastValue().size() + 3 * 48, bound);
}

TEST(RowEncodingTest, TheFirstIsJson) {
  EXPECT_EQ(RowEncodings().front().name, "json");
  for (const RowEncoding& encoding : RowEncodings()) {
    EXPECT_FALSE(encoding.help.empty());
    EXPECT_NE(encoding.make({}, {}), nullptr);
  }
}

}  // namespace
}  // namespace tacho
