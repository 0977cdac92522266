#include "operators/emitter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <random>
#include <string>

#include "state/memory_store.h"
#include "tests/support/batch_builder.h"

namespace tacho {
namespace {

using nlohmann::json;

class EmitterTest : public ::testing::Test {
 protected:
  EmitterTest() : state_(store_, size_t{1} << 20) {
    CHECK(state_.Load(std::nullopt).ok());
    options_.sink = 5;
    options_.late_sink = 6;
  }

  Emitter Make(std::vector<OutputField> fields) {
    Emitter emitter(options_, std::move(fields), state_, metrics_);
    emitter.SetTarget(&out_, nullptr, 7);
    return emitter;
  }

  VehicleIndex Vehicle(std::string_view id) {
    return state_.Intern(id).value();
  }

  std::string LastValue() const {
    return std::string(out_.Value(out_.records().back()));
  }

  // The text of one value.
  std::string Print(FieldType type,
                    const std::function<void(Emitter&)>& write) {
    Emitter emitter = Make({{"f", type, Dimension::kNone}});
    emitter.Begin(-1, Vehicle("v"));
    write(emitter);
    emitter.End();
    const std::string value = LastValue();
    EXPECT_EQ(value.substr(0, 5), "{\"f\":");
    return value.substr(5, value.size() - 6);
  }
  std::string PrintDouble(double value) {
    return Print(FieldType::kDouble, [&](Emitter& e) { e.Double(value); });
  }
  std::string PrintText(std::string_view value) {
    return Print(FieldType::kText, [&](Emitter& e) { e.Text(value); });
  }
  std::string PrintTime(int64_t ms) {
    return Print(FieldType::kTime,
                 [&](Emitter& e) { e.Time(FromEpochMillis(ms)); });
  }

  MemoryStore store_;
  LaneState state_;
  LaneMetrics metrics_;
  OutputOptions options_;
  OutputBuffer out_;
};

TEST_F(EmitterTest, WritesFieldsInOrderKeyedByVehicle) {
  Emitter emitter = Make({{"vehicle_id", FieldType::kText, Dimension::kNone},
                          {"n", FieldType::kInt64, Dimension::kNone},
                          {"mean", FieldType::kDouble, Dimension::kSpeed},
                          {"on", FieldType::kBool, Dimension::kNone},
                          {"at", FieldType::kTime, Dimension::kNone},
                          {"last", FieldType::kText, Dimension::kNone}});

  emitter.Begin(-1, Vehicle("v-1"));
  emitter.Text("v-1");
  emitter.Int(-3);
  emitter.Double(0.1);
  emitter.Bool(true);
  emitter.Time(FromEpochMillis(1760184000000));
  emitter.Null();
  emitter.End();

  const OutputRecord& record = out_.records().at(0);
  EXPECT_EQ(out_.Key(record), "v-1");
  EXPECT_EQ(LastValue(), R"({"vehicle_id":"v-1","n":-3,"mean":0.1,"on":true,)"
                         R"("at":1760184000000,"last":null})");
  EXPECT_EQ(record.sink, 5U);
  EXPECT_EQ(record.cause, 7U);
  EXPECT_EQ(record.log_time, kNoLogTime);
  EXPECT_EQ(metrics_.outputs.value(), 1U);
}

TEST_F(EmitterTest, WithoutASinkRowsAreCountedOnly) {
  options_.sink.reset();

  Emitter emitter = Make({{"n", FieldType::kInt64, Dimension::kNone}});
  emitter.Begin(-1, Vehicle("v"));
  emitter.Int(1);
  emitter.End();

  EXPECT_TRUE(out_.empty());
  EXPECT_EQ(metrics_.outputs.value(), 1U);
}

TEST_F(EmitterTest, EscapesWhatJsonWantsEscapedAndNothingElse) {
  EXPECT_EQ(PrintText("a\"b\\c/d"), R"("a\"b\\c/d")");
  EXPECT_EQ(PrintText("\b\f\n\r\t"), R"("\b\f\n\r\t")");
  EXPECT_EQ(PrintText(std::string_view("\0\x1f\x7f", 3)),
            "\"\\u0000\\u001f\x7f\"");
  EXPECT_EQ(PrintText("Zürich €"), "\"Zürich €\"");
  EXPECT_EQ(PrintText(""), "\"\"");
}

TEST_F(EmitterTest, EveryByteBelow80ReadsBack) {
  std::string text;
  for (int round = 0; round < 3; ++round) {
    for (char c = 0; c < 0x7f; ++c) text += c;
  }
  EXPECT_EQ(json::parse(PrintText(text)).get<std::string>(), text);
}

TEST_F(EmitterTest, DoublesArePrintedShortest) {
  EXPECT_EQ(PrintDouble(0), "0");
  EXPECT_EQ(PrintDouble(1), "1");
  EXPECT_EQ(PrintDouble(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(PrintDouble(-273.15), "-273.15");
  EXPECT_EQ(PrintDouble(5e-324), "5e-324");
  EXPECT_EQ(PrintDouble(1e22), "1e+22");
  EXPECT_EQ(PrintDouble(std::numeric_limits<double>::infinity()), "null");
  EXPECT_EQ(PrintDouble(std::nan("")), "null");
}

TEST_F(EmitterTest, DoublesReadBackBitForBit) {
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

TEST_F(EmitterTest, TheLocaleDoesNotMatter) {
  if (std::setlocale(LC_NUMERIC, "de_DE.UTF-8") == nullptr) {
    GTEST_SKIP() << "no locale with a decimal comma here";
  }
  EXPECT_EQ(PrintDouble(1.5), "1.5");
  std::setlocale(LC_NUMERIC, "C");
}

TEST_F(EmitterTest, TimesAreEpochMillisOrIso8601) {
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

TEST_F(EmitterTest, FieldNamesAreEscapedToo) {
  Emitter emitter = Make({{"a\"b", FieldType::kInt64, Dimension::kNone}});
  emitter.Begin(-1, Vehicle("v"));
  emitter.Int(1);
  emitter.End();
  EXPECT_EQ(LastValue(), R"({"a\"b":1})");
}

TEST_F(EmitterTest, LateRecordsKeepTheirBytesAndSayWhatTheyMissed) {
  options_.stream = "stats";
  options_.job = "j";
  options_.topic = "t";
  options_.partition = 2;
  Batch batch{SignalSchema()};
  BatchBuilder builder{SignalSchema()};
  builder.Add(batch, {"v", 99, {}}, 40);
  builder.Add(batch, {"w", 100, {}}, 41);
  batch.messages[1].key = {};  // No key.
  Emitter emitter = Make({});
  emitter.SetTarget(&out_, &batch, 1000);

  emitter.Late(1, FromEpochMillis(10), FromEpochMillis(20));

  const OutputRecord& record = out_.records().at(0);
  EXPECT_TRUE(record.null_key);
  EXPECT_FALSE(record.null_value);
  EXPECT_EQ(out_.Value(record), "41");
  EXPECT_EQ(record.sink, 6U);
  EXPECT_EQ(record.cause, 1001U);
  EXPECT_EQ(ToEpochMillis(record.log_time), 101);
  std::string_view headers = out_.Headers(record);
  std::string text;
  std::string_view name;
  std::string_view value;
  while (NextHeader(headers, name, value)) {
    text += std::string(name) + "=" + std::string(value) + ";";
  }
  EXPECT_EQ(text,
            "tacho.stream=stats;tacho.window_start=10;tacho.window_end=20;"
            "tacho.topic=t;tacho.partition=2;tacho.offset=41;"
            "tacho.timestamp=101;tacho.job=j;");
  EXPECT_EQ(metrics_.late.value(), 1U);
}

TEST_F(EmitterTest, LateRecordsWithoutASinkAreCounted) {
  options_.late_sink.reset();
  Batch batch{SignalSchema()};
  BatchBuilder{SignalSchema()}.Add(batch, {"v", 99, {}}, 40);
  Emitter emitter = Make({});
  emitter.SetTarget(&out_, &batch, 0);

  emitter.Late(0, FromEpochMillis(10), FromEpochMillis(20));

  EXPECT_TRUE(out_.empty());
  EXPECT_EQ(metrics_.late.value(), 1U);
}

TEST_F(EmitterTest, AnOutputOfARowCarriesItsLogTime) {
  Batch batch{SignalSchema()};
  BatchBuilder{SignalSchema()}.Add(batch, {"v", 99, {}}, 40);
  Emitter emitter = Make({{"n", FieldType::kInt64, Dimension::kNone}});
  emitter.SetTarget(&out_, &batch, 30);

  emitter.Begin(0, Vehicle("v"));
  emitter.Int(1);
  emitter.End();

  EXPECT_EQ(out_.records().at(0).cause, 30U);
  EXPECT_EQ(ToEpochMillis(out_.records().at(0).log_time), 100);
}

}  // namespace
}  // namespace tacho
