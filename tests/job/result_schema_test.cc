// Results as a job's operators make them and its outputs ask for them, with
// the operators that there are.
#include "pipeline/job/result_schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "pipeline/job/job_parser.h"
#include "pipeline/job/output_limits.h"
#include "pipeline/job/stream_order.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

// The operators from line 15 on, then the output.
std::string JobText(const std::string& operators,
                    const std::string& output = "{topic: out}") {
  return "job: small\n"
         "kafka: {bootstrap.servers: localhost:9092}\n"
         "group: {id: small-job}\n"
         "input:\n"
         "  topics: [in]\n"
         "  vehicle: /id\n"
         "  event_time: {path: /ts}\n"
         "  signals:\n"
         "    speed: {path: /speed, unit: mph}\n"
         "    temp: {path: /temp, unit: celsius}\n"
         "    label: {path: /label, type: string}\n"
         "streams:\n"
         "  s:\n"
         "    operators:\n" +
         operators + "    output: " + output +
         "\n"
         "rejects: drop\n"
         "late: drop\n";
}

std::string Problems(const std::string& text) {
  return FormatDiagnostics("j", ParseJob(text).errors);
}

RowSchema Results(const std::string& text) {
  const ParsedJob parsed = ParseJob(text);
  EXPECT_TRUE(parsed.ok()) << FormatDiagnostics("j", parsed.errors);
  return ResultSchema(parsed.job, parsed.job.streams.at(0));
}

constexpr const char* kWindow =
    "      - window_aggregate: {window: {tumbling: 1m}, aggregates: {top: "
    "max(speed), t: mean(temp), all: sum(temp)}}\n";

TEST(ResultSchemaTest, AStreamOfRecordsReadsWhatItsOperatorsMake) {
  const RowSchema rows = Results(
      JobText("      - last_value: [speed, label]\n"
              "      - filter: speed_age_ms < 500\n"
              "      - project: {fields: {v: speed, over: speed - 100 km/h}}\n"
              "      - window_aggregate:\n"
              "          window: {tumbling: 1m}\n"
              "          aggregates: {top: max(v), worst: max(over)}\n"));
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[3].name, "top");
  EXPECT_EQ(rows[3].dimension, Dimension::kSpeed);
}

TEST(ResultSchemaTest, AnOperatorSeesOnlyWhatTheOneBeforeItMakes) {
  EXPECT_EQ(Problems(JobText("      - project: {fields: {v: speed}}\n"
                             "      - filter: speed > 3 mph\n"
                             "      - project: {fields: {w: v}}\n")),
            "j:16:17: error: unknown signal \"speed\"; known: vehicle_id, "
            "time, v\n");
  // The feed's unit is known through a rename.
  EXPECT_THAT(Problems(JobText("      - last_value: [speed]\n"
                               "      - project: {fields: {v: speed}}\n"
                               "      - filter: v > 3\n"
                               "      - project: {fields: {w: v}}\n")),
              HasSubstr("j:17:21: error: "));
  // What comes after an operator with an error is not guessed at.
  EXPECT_EQ(Problems(JobText("      - last_value: [sped]\n"
                             "      - filter: sped > 3\n"
                             "      - project: {fields: {w: w}}\n")),
            "j:15:22: error: unknown signal \"sped\"; did you mean "
            "\"speed\"?\n");
}

TEST(ResultSchemaTest, AnOperatorThatMakesRowsOfItsOwnIsTheLast) {
  EXPECT_THAT(Problems(JobText(std::string(kWindow) +
                               "      - project: {fields: {v: top}}\n")),
              HasSubstr("j:15:9: error: 'window_aggregate' emits, so it must "
                        "be the last operator of its stream"));
}

TEST(ResultSchemaTest, ListsAndMapsHaveTheirShape) {
  EXPECT_THAT(Problems(JobText("      - last_value: speed\n")),
              HasSubstr("last_value: expected a list, as in [speed, "
                        "odometer], found a single value"));
  EXPECT_THAT(Problems(JobText("      - last_value: []\n")),
              HasSubstr("expected a list"));
  EXPECT_THAT(Problems(JobText("      - project: {fields: [speed]}\n")),
              HasSubstr("project.fields: expected a map, as in {over: speed - "
                        "100 km/h}, found a list"));
  EXPECT_THAT(Problems(JobText("      - project: {fields: {a b: speed}}\n")),
              HasSubstr("'a b' is not a name"));
}

TEST(ResultSchemaTest, ResultsAreInTheUnitsThatTheOutputAsksFor) {
  const RowSchema rows = Results(
      JobText("      - window_aggregate: {window: {tumbling: 1m}, aggregates: "
              "{top: max(speed), t: mean(temp)}}\n",
              "{topic: out, units: [mph, kelvin]}"));
  ASSERT_EQ(rows.size(), 5U);
  EXPECT_EQ(rows[3].unit, FindUnit("mph"));
  EXPECT_EQ(rows[4].unit, FindUnit("kelvin"));
  EXPECT_EQ(Results(JobText(kWindow))[3].unit, nullptr);
}

TEST(ResultSchemaTest, AUnitThatNoResultCanBeInIsAnError) {
  const auto problems = [](const std::string& units) {
    return Problems(JobText(kWindow, "{topic: out, units: " + units + "}"));
  };
  EXPECT_THAT(problems("[psi]"),
              HasSubstr("no result of stream 's' is a pressure (psi)"));
  EXPECT_THAT(problems("[F]"),
              HasSubstr("'all' is a sum or comes of arithmetic, and F has a "
                        "zero of its own"));
  EXPECT_THAT(problems("[mph, m/s]"),
              HasSubstr("'m/s' and 'mph' are both units of speed"));
  EXPECT_THAT(problems("[mhp]"), HasSubstr("unknown unit 'mhp'"));
  EXPECT_THAT(problems("mph"), HasSubstr("expected a list, as in [mph, F]"));
}

// Whatever is made of a difference is one, however many streams later.
TEST(ResultSchemaTest, ADifferenceStaysOneInWhatIsMadeOfIt) {
  const std::string project = "project: {fields: {warmer: temp - 20 celsius}}";
  for (const std::string& last :
       {std::string("window_aggregate: {window: {tumbling: 1m}, aggregates: "
                    "{m: max(warmer)}}"),
        std::string("window_aggregate: {window: {tumbling: 1m}, aggregates: "
                    "{m: mean(warmer)}}"),
        std::string("last_value: [warmer]"),
        std::string("project: {fields: {m: warmer}}"),
        std::string("excursion: {when: warmer > 3 celsius, name: a}")}) {
    EXPECT_THAT(
        Problems(JobText("      - " + project + "\n      - " + last + "\n",
                         "{topic: out, units: [F]}")),
        HasSubstr("is a sum or comes of arithmetic, and F"))
        << last;
  }
  EXPECT_EQ(Problems(JobText("      - " + project +
                                 "\n      - window_aggregate: {window: "
                                 "{tumbling: 1m}, aggregates: {n: "
                                 "count(warmer)}}\n",
                             "{topic: out}")),
            "");
}

TEST(ResultSchemaTest, AnEncodingIsOneThatThereIs) {
  EXPECT_EQ(Problems(JobText(kWindow, "{topic: out, encoding: json}")), "");
  EXPECT_THAT(Problems(JobText(kWindow, "{topic: out, encoding: jsn}")),
              HasSubstr("unknown encoding 'jsn'; did you mean 'json'?"));
}

std::string WithStreams(const std::string& streams) {
  std::string text = JobText(kWindow);
  const size_t at = text.find("rejects:");
  return text.insert(at, streams);  // From line 17 on.
}

TEST(ResultSchemaTest, AStreamReadsTheResultsOfAnother) {
  // Written before what it reads, and read by another.
  std::string text = JobText(kWindow);
  text.insert(text.find("  s:\n"),
              "  third: {from: second, operators: [project: {fields: {m: most}}"
              "], output: {topic: t}}\n"
              "  second: {from: s, operators: [window_aggregate: {window: "
              "{tumbling: 1h}, aggregates: {most: max(top)}}], output: {topic: "
              "u}}\n");
  const ParsedJob parsed = ParseJob(text);
  ASSERT_TRUE(parsed.ok()) << FormatDiagnostics("j", parsed.errors);
  const Job& job = parsed.job;
  const std::vector<size_t> order = StreamOrder(job);
  ASSERT_EQ(order.size(), 3U);
  EXPECT_EQ(job.streams[order[0]].name, "s");
  EXPECT_EQ(job.streams[order[1]].name, "second");
  EXPECT_EQ(job.streams[order[2]].name, "third");
  const RowSchema third = ResultSchema(job, job.streams[order[2]]);
  ASSERT_EQ(third.size(), 3U);
  EXPECT_EQ(third[2].name, "m");
  EXPECT_EQ(third[2].dimension, Dimension::kSpeed);
}

TEST(ResultSchemaTest, AReaderSeesTheFieldsAndNotTheSignals) {
  EXPECT_THAT(
      Problems(WithStreams("  r: {from: s, operators: [filter: temp > 3, "
                           "project: {fields: {m: top}}], output: {topic: "
                           "u}}\n")),
      HasSubstr("error: unknown signal \"temp\""));
}

TEST(ResultSchemaTest, AnUnknownStreamAndACircleAreErrorsWhereTheyAreWritten) {
  EXPECT_EQ(
      Problems(WithStreams("  reader:\n"
                           "    from: ss\n"
                           "    operators: [project: {fields: {m: top}}]\n"
                           "    output: {topic: u}\n")),
      "j:18:11: error: streams.reader.from: there is no stream 'ss'; "
      "known: s, reader\n");
  EXPECT_EQ(
      Problems(WithStreams("  self:\n"
                           "    from: self\n"
                           "    operators: [project: {fields: {m: top}}]\n"
                           "    output: {topic: u}\n")),
      "j:18:11: error: streams.self.from: 'self' reads 'self': a stream "
      "cannot read what is made of its own results\n");
  const std::string circle =
      Problems(WithStreams("  a: {from: b, operators: [project: {fields: {m: "
                           "top}}], output: {topic: "
                           "u}}\n"
                           "  b: {from: a, operators: [project: {fields: {m: "
                           "top}}], output: {topic: "
                           "v}}\n"
                           "  c: {from: b, operators: [project: {fields: {m: "
                           "top}}], output: {topic: "
                           "w}}\n"));
  EXPECT_EQ(circle,
            "j:17:13: error: streams.a.from: 'a' reads 'b', 'b' reads 'a': a "
            "stream cannot read what is made of its own results\n"
            "j:18:13: error: streams.b.from: 'b' reads 'a', 'a' reads 'b': a "
            "stream cannot read what is made of its own results\n");
}

// What is remembered of a text, and written, counts in every step.
TEST(ResultSchemaTest, SizesCountWhatEveryOperatorMakes) {
  const ParsedJob plain = ParseJob(JobText(kWindow));
  const ParsedJob text =
      ParseJob(JobText(std::string("      - last_value: "
                                   "[label, speed, temp]\n") +
                       kWindow));
  ASSERT_TRUE(plain.ok() && text.ok());
  EXPECT_EQ(MaxResultBytes(plain.job, plain.job.streams[0]),
            MaxResultBytes(text.job, text.job.streams[0]));
  EXPECT_GE(MaxStateBytes(text.job),
            MaxStateBytes(plain.job) + plain.job.decode.limits.string_bytes);
}

}  // namespace
}  // namespace tacho
