#include "pipeline/decode/wide_decoder.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

namespace tacho {
namespace {

constexpr int64_t kTime = 1769443200000;
constexpr Timestamp kLogTime = FromEpochMillis(kTime);

SignalSource Source(const char* name, SignalType type,
                    const char* unit = nullptr) {
  SignalSource source;
  source.signal = {name, type, Dimension::kNone};
  source.path = std::string("/") + name;
  if (unit != nullptr) source.unit = FindUnit(unit);
  return source;
}

// Decodes one message at a time under a config that the test changes first.
class WideDecoderTest : public testing::Test {
 protected:
  WideDecoderTest() {
    config_.vehicle_path = "/id";
    config_.event_time.path = "/ts";
    config_.event_time.format = EventTimeFormat::kEpochMillis;
    config_.signals = {
        Source("d", SignalType::kDouble), Source("i", SignalType::kInt64),
        Source("b", SignalType::kBool), Source("s", SignalType::kString)};
  }
  SignalSource& signal(size_t i) { return config_.signals[i]; }

  // "ok" or the reason's name.
  std::string Decode(std::string_view value, std::string_view key = "key",
                     Timestamp log_time = kLogTime) {
    batch_.emplace(config_.Schema());
    batch_->AddMessage(5, log_time, key, value);
    WideDecoder(config_).Decode(*batch_);
    EXPECT_EQ(batch_->records() + batch_->rejects.size(), 1u);
    if (batch_->rejects.empty()) return "ok";
    EXPECT_EQ(batch_->rejects[0].message, 0u);
    for (const Column& c : batch_->columns) {
      EXPECT_EQ(c.state[0], CellState::kAbsent) << "a refused row leaves cells";
    }
    return RejectReasonName(batch_->rejects[0].reason);
  }
  // The same, of a message with id and time and these members.
  std::string Signals(const std::string& members) {
    return Decode(R"({"id":"v","ts":1769443200000,)" + members + "}");
  }
  std::string Time(const std::string& time, Timestamp log_time = kLogTime) {
    return Decode(R"({"id":"v","ts":)" + time + "}", "key", log_time);
  }
  CellState state(size_t i) const { return batch_->columns[i].state[0]; }
  double number() const { return batch_->columns[0].doubles[0]; }
  int64_t integer() const { return batch_->columns[1].ints[0]; }
  std::string_view text() const { return batch_->columns[3].strings[0]; }

  DecoderConfig config_;
  std::optional<Batch> batch_;
};

TEST_F(WideDecoderTest, FillsARowOfEveryType) {
  ASSERT_EQ(Signals(R"("d":-1.25,"i":-7,"b":true,"s":"x")"), "ok");
  EXPECT_EQ(batch_->vehicle_id[0], "v");
  EXPECT_EQ(batch_->event_time[0], FromEpochMillis(kTime));
  EXPECT_EQ(batch_->message_index[0], 0u);
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(state(i), CellState::kValid);
  EXPECT_EQ(number(), -1.25);
  EXPECT_EQ(integer(), -7);
  EXPECT_EQ(batch_->columns[2].bools[0], 1);
  EXPECT_EQ(text(), "x");
}

TEST_F(WideDecoderTest, AbsentAndNullStayApart) {
  ASSERT_EQ(Signals(R"("d":null,"b":null)"), "ok");
  EXPECT_EQ(state(0), CellState::kNull);
  EXPECT_EQ(state(1), CellState::kAbsent);
  EXPECT_EQ(state(2), CellState::kNull);
  EXPECT_EQ(state(3), CellState::kAbsent);
}

TEST_F(WideDecoderTest, RequiredSignalMustBeThereAndNotNull) {
  signal(2).required = true;
  signal(2).on_bad = OnBad::kInvalid;
  EXPECT_EQ(Signals(R"("d":1)"), "missing_field");
  EXPECT_EQ(Signals(R"("d":1,"b":null)"), "missing_field");
  EXPECT_EQ(Signals(R"("d":1,"b":false)"), "ok");
}

TEST_F(WideDecoderTest, WrongTypeRejectsTheMessage) {
  for (const char* members :
       {R"("d":"1")", R"("d":true)", R"("d":{})", R"("d":[1])", R"("i":1.0)",
        R"("i":1e3)", R"("i":"1")", R"("b":1)", R"("b":"true")", R"("s":1)",
        R"("s":{"s":"x"})", R"("s":false)"}) {
    EXPECT_EQ(Signals(members), "wrong_type") << members;
  }
}

TEST_F(WideDecoderTest, OnBadInvalidMarksTheCellOnly) {
  for (size_t i = 0; i < 4; ++i) signal(i).on_bad = OnBad::kInvalid;
  signal(1).max = 10;
  config_.limits.string_bytes = 3;
  ASSERT_EQ(Signals(R"("d":1e400,"i":11,"b":"no","s":"four")"), "ok");
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(state(i), CellState::kInvalid);
  ASSERT_EQ(Signals(R"("d":1,"i":10,"b":false,"s":"fou")"), "ok");
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(state(i), CellState::kValid);
}

TEST_F(WideDecoderTest, AllowStringTakesAWholeJsonNumberOnly) {
  signal(0).allow_string = signal(1).allow_string = true;
  ASSERT_EQ(Signals(R"("d":"48.5e0","i":"-48")"), "ok");
  EXPECT_EQ(number(), 48.5);
  EXPECT_EQ(integer(), -48);
  ASSERT_EQ(Signals(R"("d":"4\u0038.5")"), "ok");
  EXPECT_EQ(number(), 48.5);
  for (const char* text :
       {"48,5", "48km/h", "", " 48", "48 ", "+48", "0x30", ".5", "5.", "048",
        "NaN", "inf", "1:6032000007E803", "-58.321.307", "-", "1e"}) {
    EXPECT_EQ(Signals("\"d\":\"" + std::string(text) + "\""), "wrong_type")
        << text;
  }
  EXPECT_EQ(Signals(R"("d":"1e400")"), "out_of_range");
  EXPECT_EQ(Signals(R"("i":"4.5")"), "wrong_type");
  EXPECT_EQ(Signals(R"("d":true)"), "wrong_type");
}

TEST_F(WideDecoderTest, BoundsAreInclusiveAndApplyAfterConversion) {
  signal(0) = Source("d", SignalType::kDouble, "mph");
  signal(0).min = 0;
  signal(0).max = 160.9344;
  EXPECT_EQ(Signals(R"("d":100)"), "ok");
  EXPECT_EQ(number(), 160.9344);
  EXPECT_EQ(Signals(R"("d":100.0001)"), "out_of_range");
  EXPECT_EQ(Signals(R"("d":0)"), "ok");
  EXPECT_EQ(Signals(R"("d":-0.0)"), "ok");
  EXPECT_EQ(Signals(R"("d":-0.0001)"), "out_of_range");
}

TEST_F(WideDecoderTest, DoubleTooLargeIsOutOfRangeAndTooSmallIsZero) {
  EXPECT_EQ(Signals(R"("d":1e400)"), "out_of_range");
  EXPECT_EQ(Signals(R"("d":-1e400)"), "out_of_range");
  EXPECT_EQ(Signals(R"("unread":1e400)"), "ok");
  EXPECT_EQ(Signals(R"("d":1e-400)"), "ok");
  EXPECT_EQ(number(), 0.0);
  signal(0) = Source("d", SignalType::kDouble, "mph");
  EXPECT_EQ(Signals(R"("d":1.7e308)"), "out_of_range");
}

TEST_F(WideDecoderTest, Int64KeepsAllBitsAndItsBounds) {
  EXPECT_EQ(Signals(R"("i":9007199254740993)"), "ok");
  EXPECT_EQ(integer(), 9007199254740993);
  EXPECT_EQ(Signals(R"("i":9223372036854775807)"), "ok");
  EXPECT_EQ(integer(), INT64_MAX);
  EXPECT_EQ(Signals(R"("i":9223372036854775808)"), "out_of_range");
  signal(1).min = -5;
  signal(1).max = 5;
  EXPECT_EQ(Signals(R"("i":5)"), "ok");
  EXPECT_EQ(Signals(R"("i":6)"), "out_of_range");
  EXPECT_EQ(Signals(R"("i":-6)"), "out_of_range");
}

TEST_F(WideDecoderTest, Int64WithAConvertingUnitIsRounded) {
  signal(1) = Source("i", SignalType::kInt64, "m");
  EXPECT_EQ(Signals(R"("i":1499)"), "ok");
  EXPECT_EQ(integer(), 1);
  EXPECT_EQ(Signals(R"("i":2500)"), "ok");
  EXPECT_EQ(integer(), 2);
  signal(1) = Source("i", SignalType::kInt64, "h");
  EXPECT_EQ(Signals(R"("i":9223372036854775807)"), "out_of_range");
}

TEST_F(WideDecoderTest, TextIsUnescapedAndItsLimitCountsBytes) {
  config_.limits.string_bytes = 4;
  ASSERT_EQ(Signals(R"("s":"\u20ac\n")"), "ok");
  EXPECT_EQ(text(), "\u20ac\n");
  EXPECT_EQ(Signals(R"("s":"abcd")"), "ok");
  EXPECT_EQ(Signals(R"("s":"abcde")"), "too_large");
  EXPECT_EQ(Signals(R"("s":"\u20ac\u20ac")"), "too_large");
  ASSERT_EQ(Signals(R"("s":"")"), "ok");
  EXPECT_EQ(state(3), CellState::kValid);
  EXPECT_EQ(text(), "");
}

TEST_F(WideDecoderTest, VehicleIdIsATextOfLimitedSize) {
  config_.limits.vehicle_id_bytes = 4;
  const auto id = [&](const std::string& json) {
    return Decode(R"({"ts":1769443200000,"id":)" + json + "}");
  };
  EXPECT_EQ(id(R"("abcd")"), "ok");
  EXPECT_EQ(id(R"("abcde")"), "too_large");
  EXPECT_EQ(id(R"("\u20ac\u0041")"), "ok");
  EXPECT_EQ(batch_->vehicle_id[0], "\u20acA");
  EXPECT_EQ(id(R"("")"), "missing_field");
  EXPECT_EQ(id("null"), "missing_field");
  EXPECT_EQ(id("4716"), "wrong_type");
  EXPECT_EQ(id("{}"), "wrong_type");
  EXPECT_EQ(id("true"), "wrong_type");
  EXPECT_EQ(Decode(R"({"ts":1769443200000})"), "missing_field");
}

TEST_F(WideDecoderTest, WithoutAVehiclePathTheKeyIsTheId) {
  config_.vehicle_path = "";
  config_.limits.vehicle_id_bytes = 4;
  const char* const value = R"({"id":"v","ts":1769443200000})";
  EXPECT_EQ(Decode(value, "k\u00f6y"), "ok");
  EXPECT_EQ(batch_->vehicle_id[0], "k\u00f6y");
  EXPECT_EQ(Decode(value, std::string_view()), "missing_field");
  EXPECT_EQ(Decode(value, ""), "missing_field");
  EXPECT_EQ(Decode(value, "abcd"), "ok");
  EXPECT_EQ(Decode(value, "abcde"), "too_large");
  EXPECT_EQ(Decode(value, "\xff\xfe"), "invalid_utf8");
}

TEST_F(WideDecoderTest, WithAVehiclePathTheKeyIsNotLookedAt) {
  EXPECT_EQ(Decode(R"({"id":"v","ts":1769443200000})", "\xff\xfe"), "ok");
  EXPECT_EQ(Decode(R"({"id":"v","ts":1769443200000})", std::string_view()),
            "ok");
}

TEST_F(WideDecoderTest, EventTimeHasTheFormatOfTheConfig) {
  EXPECT_EQ(Time("1769443200000"), "ok");
  EXPECT_EQ(Time("\"2026-01-26T16:00:00\\u005a\""), "ok");
  EXPECT_EQ(batch_->event_time[0], FromEpochMillis(kTime));
  EXPECT_EQ(Time("\"1769443200000\""), "wrong_type");
  EXPECT_EQ(Time("null"), "missing_field");
  EXPECT_EQ(Time("[]"), "wrong_type");
  EXPECT_EQ(Time("false"), "wrong_type");
  EXPECT_EQ(Decode(R"({"id":"v"})"), "missing_field");
  config_.event_time.format = EventTimeFormat::kIso8601;
  EXPECT_EQ(Time("1769443200000"), "wrong_type");
  config_.event_time.format = EventTimeFormat::kEpochSeconds;
  EXPECT_EQ(Time("1769443200"), "ok");
  EXPECT_EQ(batch_->event_time[0], FromEpochMillis(kTime));
}

TEST_F(WideDecoderTest, ClockBoundsAreInclusive) {
  config_.event_time.clock_guard = false;
  config_.event_time.min = FromEpochMillis(1000);
  config_.event_time.max = FromEpochMillis(2000);
  EXPECT_EQ(Time("999"), "clock_past");
  EXPECT_EQ(Time("1000"), "ok");
  EXPECT_EQ(Time("2000"), "ok");
  EXPECT_EQ(Time("2001"), "clock_future");
}

TEST_F(WideDecoderTest, ClockGuardIsRelativeToTheLogTime) {
  config_.event_time.max_future_skew = Millis(1000);
  EXPECT_EQ(Time("1769443201000"), "ok");
  EXPECT_EQ(Time("1769443201001"), "clock_future");
  EXPECT_EQ(Time("1769443200000", kNoLogTime), "no_log_time");
  EXPECT_EQ(Time("1", kNoLogTime), "clock_past");
  EXPECT_EQ(Time("1769443200000", FromEpochMillis(INT64_MAX)), "ok");
  EXPECT_EQ(Time("1769443200000", FromEpochMillis(INT64_MIN)), "clock_future");
  config_.event_time.clock_guard = false;
  EXPECT_EQ(Time("1769443201001"), "ok");
  EXPECT_EQ(Time("1769443200000", kNoLogTime), "ok");
}

TEST_F(WideDecoderTest, FirstFaultInTheDocumentedOrderIsTheReason) {
  EXPECT_EQ(Decode(R"({"d":"x","ts":true,"id":5)"), "unparsable_json");
  EXPECT_EQ(Decode(R"({"d":"x","ts":true,"id":5})"), "wrong_type");
  EXPECT_EQ(Decode(R"({"d":"x","ts":true})"), "missing_field");
  EXPECT_EQ(Decode(R"({"d":"x","ts":0,"id":"v"})"), "clock_past");
  EXPECT_EQ(Decode(R"({"i":1e400,"d":1e400,"ts":1769443200000,"id":"v"})"),
            "out_of_range");
}

TEST_F(WideDecoderTest, TombstoneAndEmptyValueAreToldApart) {
  EXPECT_EQ(Decode(std::string_view()), "not_an_object");
  EXPECT_EQ(Decode(""), "unparsable_json");
}

TEST_F(WideDecoderTest, MessageSizeAndDepthAreLimited) {
  const std::string good = R"({"id":"v","ts":1769443200000,"x":[[]]})";
  config_.limits.message_bytes = good.size();
  config_.limits.depth = 3;
  EXPECT_EQ(Decode(good), "ok");
  config_.limits.message_bytes = good.size() - 1;
  EXPECT_EQ(Decode(good), "too_large");
  config_.limits.message_bytes = good.size();
  config_.limits.depth = 2;
  EXPECT_EQ(Decode(good), "too_deep");
}

TEST_F(WideDecoderTest, PathsMayBeNestedAndShared) {
  config_.vehicle_path = "/v/0/id";
  config_.event_time.path = "/meta/ts";
  signal(0).path = signal(1).path = "/meta/ts";
  signal(3).path = "/v/0/id";
  ASSERT_EQ(Decode(R"({"meta":{"ts":1769443200000},"v":[{"id":"x"}]})"), "ok");
  EXPECT_EQ(batch_->vehicle_id[0], "x");
  EXPECT_EQ(number(), 1769443200000.0);
  EXPECT_EQ(integer(), kTime);
  EXPECT_EQ(text(), "x");
}

TEST_F(WideDecoderTest, RecycledBatchShowsNothingOfItsLastUse) {
  Batch batch(config_.Schema());
  WideDecoder decoder(config_);
  const auto add = [&](const char* value) {
    batch.AddMessage(0, kLogTime, "k", value);
  };
  for (int i = 0; i < 3; ++i) {
    add(R"({"id":"v","ts":1769443200000,"d":1,"i":2,"b":true,"s":"\t"})");
  }
  add(R"({"id":"v","ts":1769443200000,"d":1,"i":"bad"})");
  decoder.Decode(batch);
  EXPECT_EQ(batch.records(), 3u);
  EXPECT_EQ(batch.rejects.size(), 1u);
  batch.Clear();
  for (int i = 0; i < 4; ++i) add(R"({"id":"w","ts":1769443200000})");
  decoder.Decode(batch);
  ASSERT_EQ(batch.records(), 4u);
  EXPECT_TRUE(batch.rejects.empty());
  for (const Column& column : batch.columns) {
    for (size_t row = 0; row < 4; ++row) {
      EXPECT_EQ(column.state[row], CellState::kAbsent);
    }
  }
}

TEST_F(WideDecoderTest, RejectedMessagesLeaveNoRowBetweenTheOthers) {
  Batch batch(config_.Schema());
  for (int i = 0; i < 9; ++i) {
    const std::string value = R"({"id":"v","ts":1769443200000,"d":)" +
                              (i % 3 == 1 ? "\"x\"" : std::to_string(i)) + "}";
    batch.AddMessage(i, kLogTime, "k", value);
  }
  WideDecoder(config_).Decode(batch);
  ASSERT_EQ(batch.records(), 6u);
  const std::vector<uint32_t> kept = {0, 2, 3, 5, 6, 8};
  for (size_t row = 0; row < kept.size(); ++row) {
    EXPECT_EQ(batch.message_index[row], kept[row]);
    EXPECT_EQ(batch.columns[0].doubles[row], kept[row]);
  }
  ASSERT_EQ(batch.rejects.size(), 3u);
  EXPECT_EQ(batch.rejects[2].message, 7u);
}

}  // namespace
}  // namespace tacho
