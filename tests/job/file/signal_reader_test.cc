#include "pipeline/job/file/signal_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/job/job_text.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

constexpr const char* kSpeed = "{path: /speed, unit: km/h}";

std::string ComplainSignal(const std::string& signal) {
  return Complain(SmallJob(kSpeed, signal));
}

SignalSource ReadSignal(const std::string& signal) {
  const ParsedJob parsed = Parse(SmallJob(kSpeed, signal));
  EXPECT_TRUE(parsed.ok()) << FormatDiagnostics("j", parsed.errors);
  if (parsed.job.decode.signals.empty()) return {};
  return parsed.job.decode.signals[0];
}

TEST(SignalReaderTest, BoundsAreInTheDimensionsUnit) {
  const SignalSource speed =
      ReadSignal("{path: /s, unit: m/s, min: 36 km/h, max: 100 m/s}");
  EXPECT_DOUBLE_EQ(speed.min, 36);
  EXPECT_DOUBLE_EQ(speed.max, 360);
  EXPECT_EQ(speed.unit, FindUnit("m/s"));
  const SignalSource bare = ReadSignal("{path: /s, unit: km/h, max: 400}");
  EXPECT_EQ(bare.max, 400);
  EXPECT_EQ(bare.min, -std::numeric_limits<double>::infinity());
}

TEST(SignalReaderTest, TheOrderOfKeysDoesNotMatter) {
  EXPECT_DOUBLE_EQ(ReadSignal("{max: 100 m/s, path: /s, unit: m/s}").max, 360);
}

TEST(SignalReaderTest, ABareBoundBesideAnotherUnitIsAnError) {
  EXPECT_EQ(ComplainSignal("{path: /s, unit: mph, max: 250}"),
            "j:9:39: error: input.signals.speed.max: this number has no unit, "
            "and the feed sends mph: write \"250 mph\" or \"250 km/h\"\n");
  EXPECT_EQ(ComplainSignal("{path: /s, unit: F, min: 0}"),
            "j:9:37: error: input.signals.speed.min: this number has no unit, "
            "and the feed sends F: write \"0 F\" or \"0 celsius\"\n");
  // Zero is zero.
  EXPECT_EQ(ReadSignal("{path: /s, unit: mph, min: 0}").min, 0);
}

TEST(SignalReaderTest, BoundsOfIntegersAreExact) {
  const SignalSource signal = ReadSignal(
      "{path: /s, type: int64, min: -9223372036854775808, max: "
      "9007199254740993}");
  EXPECT_EQ(signal.whole_min, std::numeric_limits<int64_t>::min());
  EXPECT_EQ(signal.whole_max, 9007199254740993);
  EXPECT_EQ(ReadSignal("{path: /s, type: int64, unit: km, max: "
                       "9007199254740993.0 km}")
                .whole_max,
            9007199254740993);
  EXPECT_EQ(ReadSignal("{path: /s, type: int64, max: 1.5}").whole_max,
            std::nullopt);
  EXPECT_EQ(ComplainSignal("{path: /s, type: int64, min: 9007199254740993, "
                           "max: 9007199254740992}"),
            "j:9:64: error: input.signals.speed.max: 9007199254740992 is "
            "below the minimum 9007199254740993\n");
}

TEST(SignalReaderTest, AnUnitOfSomethingElseIsNoSlip) {
  for (const char* unit : {"MPG", "Nm"}) {
    EXPECT_THAT(ComplainSignal(std::string("{path: /s, unit: ") + unit + "}"),
                HasSubstr(std::string("unknown unit '") + unit +
                          "'; known: km/h, km, celsius"));
  }
}

TEST(SignalReaderTest, BoundsMustFitTheUnit) {
  EXPECT_EQ(ComplainSignal("{path: /s, unit: km/h, max: 3 celsius}"),
            "j:9:40: error: input.signals.speed.max: 'celsius' is not a unit "
            "of speed\n");
  EXPECT_EQ(ComplainSignal("{path: /s, max: 3 km/h}"),
            "j:9:28: error: input.signals.speed.max: the signal has no unit; "
            "write unit: km/h\n");
  EXPECT_EQ(ComplainSignal("{path: /s, min: 5, max: 4}"),
            "j:9:36: error: input.signals.speed.max: 4 is below the minimum "
            "5\n");
  EXPECT_THAT(ComplainSignal("{path: /s, min: fast}"),
              HasSubstr("j:9:28: error: input.signals.speed.min: 'fast' is not "
                        "a quantity"));
}

TEST(SignalReaderTest, AnUnknownUnitIsOneErrorWithAGuess) {
  EXPECT_EQ(ComplainSignal("{path: /s, unit: kmph, max: 4 km/h}"),
            "j:9:29: error: input.signals.speed.unit: unknown unit 'kmph'; did "
            "you mean 'km/h'?\n");
}

TEST(SignalReaderTest, KeysThatATypeDoesNotHaveAreRefused) {
  EXPECT_EQ(ComplainSignal("{path: /s, type: bool, unit: km/h, min: 1}"),
            "j:9:41: error: input.signals.speed.unit: has no meaning for type "
            "bool\n"
            "j:9:52: error: input.signals.speed.min: has no meaning for type "
            "bool\n");
  EXPECT_EQ(ComplainSignal("{path: /s, type: string, allow_string: on}"),
            "j:9:51: error: input.signals.speed.allow_string: has no meaning "
            "for type string\n");
}

TEST(SignalReaderTest, WholeNumbersAreNotConverted) {
  EXPECT_EQ(ComplainSignal("{path: /s, type: int64, unit: mph}"),
            "j:9:42: error: input.signals.speed.unit: mph is converted to "
            "km/h, which whole numbers do not survive; write type: double\n");
  EXPECT_EQ(ReadSignal("{path: /s, type: int64, unit: km/h}").signal.type,
            SignalType::kInt64);
}

TEST(SignalReaderTest, ReadsPolicies) {
  const SignalSource signal = ReadSignal(
      "{path: /s, required: true, allow_string: true, on_bad: "
      "invalid}");
  EXPECT_TRUE(signal.required);
  EXPECT_TRUE(signal.allow_string);
  EXPECT_EQ(signal.on_bad, OnBad::kInvalid);
  EXPECT_EQ(signal.signal.dimension, Dimension::kNone);
}

TEST(SignalReaderTest, AJobMayHaveNoSignals) {
  const std::string text(kSmallJob);
  const size_t begin = text.find("  signals:");
  const size_t end = text.find("streams:");
  std::string without = text.substr(0, begin) + text.substr(end);
  without.replace(without.find("speed > 120"), 11, "1 > 0");
  EXPECT_EQ(Complain(without), "");
}

}  // namespace
}  // namespace tacho
