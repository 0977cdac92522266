#include "pipeline/job/file/operator_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/job/job_text.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

constexpr const char* kExcursion = "excursion: {when: speed > 120, name: fast}";

// The operator on line 14, after "      - ".
std::string ComplainOperator(const std::string& yaml) {
  return Complain(SmallJob(kExcursion, yaml));
}

std::string ComplainFilter(const std::string& value) {
  return ComplainOperator("filter: " + value + "\n      - " + kExcursion);
}

TEST(OperatorReaderTest, ReadsShorthandsMapsAndChildren) {
  const ParsedJob parsed =
      Parse(SmallJob(kExcursion,
                     "filter: speed > 1\n"
                     "      - window_aggregate:\n"
                     "          window: {tumbling: 1m}\n"
                     "          allowed_lateness: 10s\n"
                     "          aggregates: {b: $max(speed), a: $min(speed)}"));
  ASSERT_TRUE(parsed.ok()) << FormatDiagnostics("j", parsed.errors);
  const std::vector<OperatorConfig>& operators =
      parsed.job.streams[0].operators;
  ASSERT_EQ(operators.size(), 2u);
  EXPECT_EQ(operators[0].params.Find("condition")->text, "speed > 1");
  const OperatorParams& window = operators[1].params;
  EXPECT_EQ(window.Find("allowed_lateness")->duration.count(), 10000);
  ASSERT_EQ(window.Find("window")->children.size(), 1u);
  EXPECT_EQ(window.Find("window")->children[0].name, "tumbling");
  EXPECT_EQ(window.Find("window")->children[0].duration.count(), 60000);
  ASSERT_EQ(window.Find("aggregates")->children.size(), 2u);
  EXPECT_EQ(window.Find("aggregates")->children[0].name, "b");
  EXPECT_EQ(window.Find("aggregates")->children[0].text, "$max(speed)");
}

TEST(OperatorReaderTest, UnknownNamesAreCorrected) {
  EXPECT_EQ(ComplainOperator("excurson: {when: speed > 1, name: a}"),
            "j:14:9: error: unknown operator 'excurson'; did you mean "
            "'excursion'?\n");
  EXPECT_EQ(ComplainOperator("dedup: {}"),
            "j:14:9: error: unknown operator 'dedup'; known: excursion, "
            "filter, window_aggregate\n");
  EXPECT_EQ(ComplainOperator("excursion: {when: speed > 1, nam: a}"),
            "j:14:20: error: excursion: missing parameter 'name'\n"
            "j:14:38: error: excursion: unknown parameter 'nam'; did you mean "
            "'name'?\n");
  EXPECT_EQ(ComplainOperator("excursion: {when: speed > 1, name: a, zzzz: b}"),
            "j:14:47: error: excursion: unknown parameter 'zzzz'; known: when, "
            "for, clear, name\n");
}

TEST(OperatorReaderTest, AnItemIsOneOperator) {
  EXPECT_EQ(ComplainOperator("excursion"),
            "j:14:9: error: an operator is a map with one key, its name, as in "
            "'- filter: speed > 0'\n");
  EXPECT_EQ(
      ComplainOperator(std::string(kExcursion) + "\n        filter: speed > 1"),
      "j:15:9: error: one operator each: start 'filter' with '- ', or "
      "indent it if it belongs to 'excursion'\n");
  EXPECT_EQ(ComplainOperator("excursion: speed > 1"),
            "j:14:20: error: excursion: expected a map of when, for, clear, "
            "name; found a single value\n");
}

TEST(OperatorReaderTest, ValuesHaveTheirShape) {
  EXPECT_EQ(ComplainOperator("excursion: {when: [speed], name: a}"),
            "j:14:27: error: excursion.when: expected a single value, found a "
            "list\n");
  EXPECT_THAT(ComplainOperator("excursion: {when: speed, name: a, for: 10}"),
              HasSubstr("j:14:48: error: excursion.for: '10' is not a "
                        "duration"));
  EXPECT_EQ(ComplainOperator(
                "window_aggregate: {window: 1m, aggregates: {a: speed}}"),
            "j:14:36: error: window_aggregate.window: expected a map with one "
            "of tumbling, hopping, found a single value\n");
  EXPECT_THAT(ComplainOperator("window_aggregate: {window: {tumbling: 1}, "
                               "aggregates: {a b: speed, c: []}}"),
              testing::AllOf(
                  HasSubstr("j:14:47: error: window_aggregate.window.tumbling"),
                  HasSubstr("j:14:64: error: window_aggregate.aggregates: 'a "
                            "b' is not a name"),
                  HasSubstr("j:14:79: error: window_aggregate.aggregates.c: "
                            "expected a single value, found a list")));
}

std::string ComplainWindow(const std::string& window) {
  return ComplainOperator("window_aggregate: {window: " + window +
                          ", aggregates: {a: speed}}");
}

TEST(OperatorReaderTest, AChoiceIsOneOfItsKeys) {
  EXPECT_EQ(ComplainWindow("{sliding: 5m}"),
            "j:14:37: error: window_aggregate.window: unknown parameter "
            "'sliding'; known: tumbling, hopping\n");
  EXPECT_EQ(ComplainWindow("{tumblin: 5m}"),
            "j:14:37: error: window_aggregate.window: unknown parameter "
            "'tumblin'; did you mean 'tumbling'?\n");
  EXPECT_EQ(ComplainWindow("{tumbling: 1m, slide: 10s}"),
            "j:14:51: error: window_aggregate.window: expected a map with one "
            "of tumbling, hopping, found 2 keys\n");
  EXPECT_THAT(ComplainWindow("{}"), HasSubstr("found 0 keys"));
}

TEST(OperatorReaderTest, AGroupIsReadLikeTheOperatorItself) {
  EXPECT_EQ(ComplainWindow("{hopping: 1m}"),
            "j:14:46: error: window_aggregate.window.hopping: expected a map "
            "of size, slide, found a single value\n");
  EXPECT_EQ(ComplainWindow("{hopping: {slide: 1m}}"),
            "j:14:46: error: window_aggregate.window.hopping: missing "
            "parameter 'size'\n");
  EXPECT_EQ(ComplainWindow("{hopping: {size: 1m, slid: 1m}}"),
            "j:14:57: error: window_aggregate.window.hopping: unknown "
            "parameter 'slid'; did you mean 'slide'?\n");
  EXPECT_THAT(ComplainWindow("{hopping: {size: 10}}"),
              HasSubstr("window_aggregate.window.hopping.size: '10' is not a "
                        "duration"));
}

TEST(OperatorReaderTest, WhatIsNotGivenHasItsDefaultAtEveryDepth) {
  const ParsedJob parsed =
      Parse(SmallJob(kExcursion,
                     "window_aggregate:\n"
                     "          window: {hopping: {size: 5m}}\n"
                     "          aggregates: {a: speed}"));
  ASSERT_TRUE(parsed.ok()) << FormatDiagnostics("j", parsed.errors);
  const std::vector<OperatorConfig>& operators =
      parsed.job.streams[0].operators;
  ASSERT_EQ(operators.size(), 1u);
  const OperatorParams& params = operators[0].params;
  EXPECT_EQ(params.Find("allowed_lateness")->text, "0s");
  EXPECT_EQ(params.Find("allowed_lateness")->duration.count(), 0);
  const ParamValue& hopping = params.Find("window")->children.at(0);
  EXPECT_EQ(hopping.Find("size")->duration.count(), 300000);
  EXPECT_EQ(hopping.Find("slide")->duration.count(), 60000);
}

TEST(OperatorReaderTest, TheLastOperatorEmitsAndNoOther) {
  EXPECT_EQ(ComplainOperator("filter: speed > 1"),
            "j:14:9: error: the last operator of a stream emits its results: "
            "excursion, window_aggregate\n");
  EXPECT_EQ(
      ComplainOperator(std::string(kExcursion) + "\n      - filter: speed > 1"),
      "j:14:9: error: 'excursion' emits, so it must be the last operator "
      "of its stream\n"
      "j:15:9: error: the last operator of a stream emits its results: "
      "excursion, window_aggregate\n");
}

TEST(OperatorReaderTest, ExpressionErrorsPointIntoTheExpression) {
  EXPECT_EQ(ComplainFilter("speed > sped"),
            "j:14:25: error: unknown signal 'sped'\n");
  EXPECT_EQ(ComplainFilter("'speed > sped'"),
            "j:14:26: error: unknown signal 'sped'\n");
  EXPECT_EQ(ComplainFilter("\"speed > sped\""),
            "j:14:26: error: unknown signal 'sped'\n");
  EXPECT_EQ(ComplainFilter("|\n          speed > 3\n          > sped"),
            "j:16:13: error: unknown signal 'sped'\n");
  EXPECT_EQ(ComplainFilter("speed >\n           sped"),
            "j:15:12: error: unknown signal 'sped'\n");
  // Offsets count characters: both before and in the expression.
  EXPECT_EQ(ComplainFilter("3 \xc2\xb0 > sped"),
            "j:14:23: error: unknown signal 'sped'\n");
}

TEST(OperatorReaderTest, SignalsMayComeAfterTheStreams) {
  const std::string text(kSmallJob);
  const size_t input = text.find("input:");
  const size_t streams = text.find("streams:");
  const size_t rejects = text.find("rejects:");
  EXPECT_EQ(
      Complain(text.substr(0, input) + text.substr(streams, rejects - streams) +
               text.substr(input, streams - input) + text.substr(rejects)),
      "");
}

TEST(OperatorReaderTest, EveryOperatorOfEveryStreamIsChecked) {
  const std::string two =
      SmallJob("    output: {topic: out}\n",
               "    output: {topic: out}\n"
               "  hot:\n"
               "    operators:\n"
               "      - filter: hot > 1\n"
               "      - excursion: {when: warm > 1, name: a, clear: cold < 1}\n"
               "    output: {topic: out}\n");
  EXPECT_EQ(Complain(two),
            "j:18:17: error: unknown signal 'hot'\n"
            "j:19:27: error: unknown signal 'warm'\n"
            "j:19:53: error: unknown signal 'cold'\n");
}

}  // namespace
}  // namespace tacho
