// Records and rejects of the shape `wide`, from framing to field rules.

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "pipeline/decode/decoder.h"

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
std::string Detail(const Reject& reject) {
  std::string text;
  DescribeFound(reject.at, text);
  return text;
}

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
    decoder_ = MakeDecoder(config_);  // What is said of a reject is its own.
    decoder_->Decode(*batch_);
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
  std::unique_ptr<Decoder> decoder_;
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

TEST_F(WideDecoderTest, Int64BoundsAreExact) {
  signal(1).max = 9007199254740992;
  signal(1).whole_max = 9007199254740992;
  EXPECT_EQ(Signals(R"("i":9007199254740992)"), "ok");
  EXPECT_EQ(Signals(R"("i":9007199254740993)"), "out_of_range");
  signal(1) = Source("i", SignalType::kInt64);
  signal(1).min = -1.5;
  signal(1).max = 2.5;
  EXPECT_EQ(Signals(R"("i":-1)"), "ok");
  EXPECT_EQ(Signals(R"("i":-2)"), "out_of_range");
  EXPECT_EQ(Signals(R"("i":2)"), "ok");
  EXPECT_EQ(Signals(R"("i":3)"), "out_of_range");
  // No int64 is above 2^63.
  signal(1).min = 1e19;
  signal(1).max = std::numeric_limits<double>::infinity();
  EXPECT_EQ(Signals(R"("i":9223372036854775807)"), "out_of_range");
}

// As a double, the greatest is 2^63, which no int64 is.
TEST_F(WideDecoderTest, TheGreatestInt64CanBeABound) {
  signal(1).min = 9223372036854775807.0;
  signal(1).whole_min = INT64_MAX;
  EXPECT_EQ(Signals(R"("i":9223372036854775807)"), "ok");
  EXPECT_EQ(Signals(R"("i":9223372036854775806)"), "out_of_range");
  signal(1) = Source("i", SignalType::kInt64);
  signal(1).max = -9223372036854775808.0;
  signal(1).whole_max = INT64_MIN;
  EXPECT_EQ(Signals(R"("i":-9223372036854775808)"), "ok");
  EXPECT_EQ(Signals(R"("i":-9223372036854775807)"), "out_of_range");
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

// A result is JSON, and must not be larger there than what was accepted.
TEST_F(WideDecoderTest, TextIsUnescapedAndItsLimitCountsBytesAsJsonWritesThem) {
  config_.limits.string_bytes = 5;
  ASSERT_EQ(Signals(R"("s":"\u20ac\n")"), "ok");
  EXPECT_EQ(text(), "\u20ac\n");
  EXPECT_EQ(Signals(R"("s":"abcde")"), "ok");
  EXPECT_EQ(Signals(R"("s":"abcdef")"), "too_large");
  EXPECT_EQ(Signals(R"("s":"\u20ac\u20ac")"), "too_large");
  EXPECT_EQ(Signals(R"("s":"\u0001")"), "too_large");
  EXPECT_EQ(Signals(R"("s":"a\"\\")"), "ok");
  EXPECT_EQ(Signals(R"("s":"ab\"\\")"), "too_large");
  config_.limits.string_bytes = 6;
  EXPECT_EQ(Signals(R"("s":"\u0001")"), "ok");
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
  EXPECT_EQ(id(R"("\"\\")"), "ok");
  EXPECT_EQ(id(R"("\"\\a")"), "too_large");
  EXPECT_EQ(id(R"("\u0000")"), "too_large");
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

TEST_F(WideDecoderTest, ATombstoneIsNothingToTheJobUnlessItSaysSo) {
  Batch batch(config_.Schema());
  for (const auto tombstones : {Tombstones::kSkip, Tombstones::kReject}) {
    config_.tombstones = tombstones;
    batch.Clear();
    batch.AddMessage(1, kLogTime, "k", {});
    batch.AddMessage(2, kLogTime, "k", R"({"id":"v","ts":1769443200000})");
    batch.AddMessage(3, kLogTime, "k", "");
    MakeDecoder(config_)->Decode(batch);
    const bool skips = tombstones == Tombstones::kSkip;
    EXPECT_EQ(batch.skipped, skips ? 1u : 0u);
    EXPECT_EQ(batch.records(), 1u);
    EXPECT_EQ(batch.message_index[0], 1u);
    ASSERT_EQ(batch.rejects.size(), skips ? 1u : 2u);
    EXPECT_EQ(batch.rejects.back().reason, RejectReason::kUnparsableJson);
    EXPECT_EQ(Detail(batch.rejects.back()),
              R"(bytes ""; expected JSON; the value is empty)");
    if (skips) continue;
    EXPECT_EQ(batch.rejects[0].reason, RejectReason::kNotAnObject);
    EXPECT_EQ(Detail(batch.rejects[0]),
              "null; expected an object; this is a tombstone");
  }
}

TEST_F(WideDecoderTest, WhatCannotBeReadIsARejectOfItsOwn) {
  Batch batch(config_.Schema());
  batch.AddUnreadable(4, 9, "bad CRC");
  MakeDecoder(config_)->Decode(batch);
  ASSERT_EQ(batch.rejects.size(), 1u);
  EXPECT_EQ(batch.rejects[0].reason, RejectReason::kUnreadable);
  EXPECT_EQ(batch.messages[0].offset, 4);
  EXPECT_EQ(batch.unreadable.at(0).end, 9);
  EXPECT_EQ(batch.skipped, 0u);
}

TEST_F(WideDecoderTest, ARejectSaysWhereAndWhatWasThere) {
  signal(0).min = -90;
  signal(0).max = 90;
  config_.signals.push_back(Source("n/m", SignalType::kBool));
  config_.signals[4].required = true;
  config_.limits.string_bytes = 8;
  const auto said = [&](const std::string& members) {
    EXPECT_NE(Signals(members), "ok");
    const Reject& reject = batch_->rejects.at(0);
    return std::string(reject.at.path) + " " + Detail(reject);
  };
  EXPECT_EQ(said(R"("d":"1")"),
            R"(/d text "1"; expected a number; or write allow_string: true)");
  EXPECT_EQ(said(R"("d":91)"),
            R"(/d number "91"; expected a number from -90 to 90)");
  EXPECT_EQ(said(R"("d":[1])"), "/d array; expected a number");
  EXPECT_EQ(said(R"("i":5.0)"),
            R"(/i number "5.0"; expected a whole number, without fraction and )"
            "exponent");
  EXPECT_EQ(said(R"("b":"on")"), R"(/b text "on"; expected true or false)");
  EXPECT_EQ(said(R"("s":"123456789")"),
            R"(/s text "123456789"; expected at most limits.string_bytes, as )"
            "JSON writes them");
  EXPECT_EQ(said(R"("d":1)"), "/n/m nothing; expected true or false");
  EXPECT_EQ(said(R"("n/m":null)"), "/n/m nothing; expected true or false");
  EXPECT_EQ(batch_->rejects[0].at.site, 3u + 4);
  EXPECT_EQ(RejectSites(config_),
            (std::vector<std::string>{"message", "vehicle", "event_time", "d",
                                      "i", "b", "s", "n/m"}));
}

TEST_F(WideDecoderTest, ARejectOfVehicleTimeOrMessageSaysSoToo) {
  const auto said = [&](const std::string& message) {
    EXPECT_NE(Decode(message), "ok");
    const Reject& reject = batch_->rejects.at(0);
    return std::to_string(reject.at.site) + " " + std::string(reject.at.path) +
           " " + Detail(reject);
  };
  EXPECT_EQ(said(R"({"id":17,"ts":1})"), R"(1 /id number "17"; expected text)");
  EXPECT_EQ(said(R"({"ts":1})"), "1 /id nothing; expected text");
  EXPECT_EQ(said(R"({"id":"v","ts":"1769443200000"})"),
            R"(2 /ts text "1769443200000"; expected ISO-8601 as )"
            "2026-01-26T16:00:00Z or with +01:00, or a bare number");
  EXPECT_EQ(
      said(R"({"id":"v","ts":1})"),
      R"(2 /ts number "1"; expected a time from input.event_time.min on)");
  EXPECT_EQ(said("[1]"), R"(0  JSON "[1]"; expected an object)")
      << "the sample of a message is its bytes";
  EXPECT_EQ(said("\x1f\x8b\x08"),
            R"(0  bytes "\x8b\x08"; expected JSON; these bytes are gzip)");
  EXPECT_EQ(said(std::string("\0\0\0\0\x05{}", 7)),
            R"(0  bytes "\x00\x00\x00\x00\x05{}"; expected JSON; this starts )"
            "with a zero byte, as in Confluent's framing");
  EXPECT_EQ(said("{\"id\":\"\xff\"}"), R"(0  bytes "\xff"}"; expected UTF-8)");
}

// The answer rests on how far the bytes before are valid, at any length.
TEST_F(WideDecoderTest, TheFirstBytesThatAreNoUtf8AreShown) {
  for (const size_t before : {0u, 1u, 1022u, 1023u, 1024u, 1025u, 3000u}) {
    for (const char* filler : {"a", "\xc3\xbc", "\xf0\x9f\x9a\x97"}) {
      std::string text = "{\"";
      while (text.size() < before) text += filler;
      EXPECT_EQ(Decode(text + "\xfe\x01"), "invalid_utf8");
      EXPECT_EQ(batch_->rejects[0].at.sample, "\xfe\x01") << before << filler;
    }
  }
}

TEST_F(WideDecoderTest, ValuesMadeInvalidAreCounted) {
  for (size_t i = 0; i < 4; ++i) signal(i).on_bad = OnBad::kInvalid;
  ASSERT_EQ(Signals(R"("d":"x","i":1.5,"b":true)"), "ok");
  EXPECT_EQ(batch_->invalid_values, 2u);
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
  const auto decoder = MakeDecoder(config_);
  const auto add = [&](const char* value) {
    batch.AddMessage(0, kLogTime, "k", value);
  };
  for (int i = 0; i < 3; ++i) {
    add(R"({"id":"v","ts":1769443200000,"d":1,"i":2,"b":true,"s":"\t"})");
  }
  add(R"({"id":"v","ts":1769443200000,"d":1,"i":"bad"})");
  decoder->Decode(batch);
  EXPECT_EQ(batch.records(), 3u);
  EXPECT_EQ(batch.rejects.size(), 1u);
  batch.Clear();
  for (int i = 0; i < 4; ++i) add(R"({"id":"w","ts":1769443200000})");
  decoder->Decode(batch);
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
  MakeDecoder(config_)->Decode(batch);
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
