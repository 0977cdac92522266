// What YAML does to a job file without saying so, or says in words that do not
// help: each is caught here, with its position.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "pipeline/job/file/yaml_tree.h"
#include "tests/job/job_text.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

// The small job with its operator replaced: line 14, after "      - ".
std::string WithOperator(const std::string& yaml) {
  return SmallJob("excursion: {when: speed > 120, name: fast}", yaml);
}

// The same with a filter before the excursion, on line 14.
std::string WithFilter(const std::string& value) {
  return WithOperator("filter: " + value +
                      "\n      - excursion: {when: speed > 120, name: fast}");
}

TEST(YamlTrapsTest, ASyntaxErrorHasItsPosition) {
  EXPECT_THAT(Complain("a: {b: c}}\n"),
              StartsWith("j:1:10: error: YAML syntax: illegal flow end"));
  EXPECT_THAT(Complain("\ta: 1\n"), HasSubstr("indent with spaces, not tabs"));
}

TEST(YamlTrapsTest, DuplicateKeysAreErrorsAtEveryLevel) {
  EXPECT_EQ(Complain(SmallJob("late: drop", "late: drop\njob: again")),
            "j:18:1: error: duplicate key 'job'; first on line 1\n");
  EXPECT_EQ(Complain(SmallJob("{id: small-job}", "{id: small-job, id: b}")),
            "j:3:24: error: duplicate key 'id'; first on line 3\n");
  EXPECT_EQ(Complain(SmallJob("    moving:", "    speed:")),
            "j:10:5: error: duplicate key 'speed'; first on line 9\n");
}

TEST(YamlTrapsTest, ASecondDocumentIsAnError) {
  EXPECT_EQ(Complain(std::string(kSmallJob) + "---\njob: b\n"),
            "j:18:1: error: a job file holds one document; remove `---`\n");
  EXPECT_EQ(Complain("---\n" + std::string(kSmallJob)), "");
}

// The library starts documents for ever at these.
TEST(YamlTrapsTest, AStrayCommaEndsTheReadingNotTheProcess) {
  EXPECT_EQ(Complain(",a\n"), "j:1:1: error: this is no part of a job\n");
  EXPECT_EQ(Complain(std::string(kSmallJob) + "...\n, b\n"),
            "j:19:1: error: this is no part of a job\n");
}

TEST(YamlTrapsTest, ALeadingNotIsATag) {
  EXPECT_EQ(Complain(WithFilter("!moving")),
            "j:14:17: error: a value that starts with ! is a YAML tag, which a "
            "job file does not use; for an expression, put quotes around all "
            "of it\n"
            "j:14:17: error: filter: the value is empty\n");
  EXPECT_THAT(Complain(WithFilter("!moving && speed")),
              StartsWith("j:14:17: error: a value that starts with ! is"));
  EXPECT_THAT(Complain(WithFilter("!moving || speed")),
              HasSubstr("a value that starts with ! means something else in "
                        "YAML: put quotes around all of it"));
  EXPECT_EQ(Complain(WithFilter("'!moving && speed'")), "");
}

TEST(YamlTrapsTest, TagsAnchorsAndAliasesAreRefused) {
  EXPECT_EQ(Complain(SmallJob("job: small", "job: !!str small")),
            "j:1:6: error: a value that starts with ! is a YAML tag, which a "
            "job file does not use; for an expression, put quotes around all "
            "of it\n");
  EXPECT_THAT(Complain(SmallJob("job: small", "job: ! small")),
              StartsWith("j:1:6: error: a value that starts with !"));
  EXPECT_THAT(Complain(SmallJob("{id: small-job}", "&g {id: small-job}")),
              StartsWith("j:3:8: error: a value that starts with & is a YAML "
                         "anchor"));
  const std::string aliased =
      Complain(SmallJob("job: small", "job: &n small") + "state: {dir: *n}\n");
  EXPECT_THAT(aliased, HasSubstr("j:1:6: error: a value that starts with &"));
  EXPECT_THAT(aliased, HasSubstr("j:18:14: error: a value that starts with * "
                                 "is a YAML alias"));
}

TEST(YamlTrapsTest, ACommaEndsAValueInAFlowMap) {
  EXPECT_EQ(
      Complain(WithOperator("excursion: {when: max(speed, 3) > 4, name: f}")),
      "j:14:38: error: excursion: '3) > 4' has no value; inside { } a comma "
      "ends the value before it: put quotes around an expression that holds "
      "one\n");
  EXPECT_THAT(
      Complain(WithOperator("excursion: {when: 'speed, 3 > 4', name: f}")), "");
}

TEST(YamlTrapsTest, AHashStartsAComment) {
  // The fake operators know no signal `text`: any error in the expression will
  // do.
  EXPECT_EQ(Complain(WithFilter("speed > text #1")),
            "j:14:25: error: unknown signal 'text'; the text from '#' on is a "
            "YAML comment: put quotes around the whole expression\n");
  EXPECT_EQ(Complain(WithFilter("'speed > text'  # a real comment")),
            "j:14:26: error: unknown signal 'text'\n");
}

TEST(YamlTrapsTest, AQuotedStartEndsAtItsQuote) {
  EXPECT_THAT(Complain(WithFilter("\"on\" == speed")),
              HasSubstr("a value that starts with a quote ends at the next "
                        "one: put quotes around all of it"));
  EXPECT_THAT(Complain(WithFilter("\"on\" == speed")), StartsWith("j:14:"));
}

TEST(YamlTrapsTest, AColonInAValueNeedsQuotes) {
  EXPECT_THAT(Complain(WithOperator("excursion: when: speed > 3")),
              HasSubstr("a value that holds ': ' needs quotes"));
}

// One error, where it began.
TEST(YamlTrapsTest, AnUnclosedQuoteIsAnError) {
  EXPECT_EQ(Complain(SmallJob("late: drop", "late: \"drop")),
            "j:17:7: error: this quote is never closed\n");
  EXPECT_EQ(Complain(SmallJob("late: drop", "late: 'drop''")),
            "j:17:7: error: this quote is never closed\n");
  EXPECT_EQ(Complain(SmallJob("vehicle: /id", "vehicle: \"/id")),
            "j:6:12: error: this quote is never closed\n");
  EXPECT_THAT(Complain(SmallJob("vehicle: /id", "vehicle: \"/id") +
                       "state: {dir: \"here\"}\n"),
              StartsWith("j:6:12: error: YAML syntax: this quote is closed "
                         "only on line 18; nothing fits from line 18 on\n"));
}

TEST(YamlTrapsTest, AnUnclosedBraceIsAnErrorWhereItOpens) {
  EXPECT_EQ(Complain(SmallJob("topics: [in]", "topics: [in")),
            "j:5:11: error: YAML syntax: this '[' is not closed; nothing fits "
            "from line 6 on\n");
  EXPECT_THAT(Complain(SmallJob("{id: small-job}", "{id: small-job")),
              StartsWith("j:3:8: error: YAML syntax: this '{' is not closed"));
  EXPECT_THAT(Complain(SmallJob("late: drop", "late: {topic: x")),
              StartsWith("j:17:7: error: "));
}

TEST(YamlTrapsTest, AnEmptyValueIsReportedAtItsKey) {
  EXPECT_EQ(Complain(SmallJob("vehicle: /id", "vehicle:")),
            "j:6:3: error: input.vehicle: expected a single value, found "
            "nothing\n");
  EXPECT_EQ(Complain(SmallJob("vehicle: /id", "vehicle: ~")),
            "j:6:3: error: input.vehicle: expected a single value, found "
            "nothing\n");
}

TEST(YamlTrapsTest, KeysArePlainNames) {
  EXPECT_EQ(Complain(std::string(kSmallJob) + "? [a]\n: b\n"),
            "j:18:3: error: a key is a plain name\n");
  EXPECT_THAT(Complain(std::string(kSmallJob) + ": b\n"),
              HasSubstr("a key is a plain name"));
}

TEST(YamlTrapsTest, BytesThatAreNotTextAreErrors) {
  EXPECT_EQ(Complain("job: a\nstate: {dir: \xff}\n"),
            "j:2:14: error: this byte is neither UTF-8 nor white space\n");
  EXPECT_EQ(Complain(std::string("job: a\0b\n", 9)),
            "j:1:7: error: this byte is neither UTF-8 nor white space\n");
  for (const char* const bad : {"\xc3", "\xc0\xaf", "\xe0\x80\xaf",
                                "\xed\xa0\x80", "\xf4\x90\x80\x80"}) {
    EXPECT_EQ(Complain(std::string("job: ") + bad),
              "j:1:6: error: this byte is neither UTF-8 nor white space\n");
  }
}

TEST(YamlTrapsTest, ByteOrderMarksAndWindowsLineEndsAreFine) {
  std::string text = "\xef\xbb\xbf";
  for (char c : kSmallJob) text += c == '\n' ? "\r\n" : std::string(1, c);
  EXPECT_EQ(Complain(text), "");
}

TEST(YamlTrapsTest, WordsThatYamlTakesForBooleansStayWords) {
  EXPECT_EQ(Parse(SmallJob("job: small", "job: no")).job.name, "no");
  EXPECT_EQ(Parse(SmallJob("{id: small-job}", "{id: 0x10}")).job.group.id,
            "0x10");
}

TEST(YamlTrapsTest, HostileFilesAreRefusedNotFollowed) {
  EXPECT_THAT(Complain(std::string(5000, '[')),
              HasSubstr("error: nested deeper than 64 levels\n"));
  EXPECT_EQ(Complain(std::string((1 << 20) + 1, ' ')),
            "j:1:1: error: a job file is at most 1 MiB\n");
}

TEST(YamlTrapsTest, DepthAndSizeAreLimited) {
  // The depth counts the list, not the job around it.
  const auto nested = [](size_t depth) {
    return "a: " + std::string(depth, '[') + std::string(depth, ']') + "\n";
  };
  EXPECT_THAT(Complain(nested(kMaxYamlDepth - 1)), HasSubstr("unknown key"));
  EXPECT_EQ(Complain(nested(kMaxYamlDepth)),
            "j:1:67: error: nested deeper than 64 levels\n");
  const auto list = [](size_t values) {
    std::string text = "[";
    while (values-- > 0) text += "a,";
    return text + "]";
  };
  // The list itself is one.
  EXPECT_THAT(Complain(list(kMaxYamlNodes - 1)), HasSubstr("expected a map"));
  EXPECT_THAT(Complain(list(kMaxYamlNodes)),
              HasSubstr("a job file has at most 100000 keys and values"));
}

TEST(YamlTrapsTest, ErrorsEndAtAHundred) {
  std::string text(kSmallJob);
  for (int i = 0; i < 300; ++i) text += "key" + std::to_string(i) + ": 1\n";
  const std::string said = Complain(text);
  EXPECT_EQ(std::count(said.begin(), said.end(), '\n'), 101);
  EXPECT_THAT(said, HasSubstr("there are too many errors; these are the first "
                              "100\n"));
}

double Seconds(const std::string& text) {
  const std::clock_t start = std::clock();
  Complain(text);
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

// Files near the limits, on one line: what is quadratic in one of them takes
// minutes.
TEST(YamlTrapsTest, LargeFilesAreReadInLinearTime) {
  std::string keys = "{";
  std::string bad_keys = "{";
  std::string topics;
  for (int i = 0; i < 49000; ++i) {
    keys += "\"k" + std::to_string(i) + "\": 1, ";
    bad_keys += "k" + std::to_string(i) + ": !x 1, ";
    topics += "t" + std::to_string(i) + ",";
  }
  std::string signals = "{";
  for (int i = 0; i < 3000; ++i) {
    signals += "s" + std::to_string(i) + ": {path: /" + std::string(300, 'x') +
               std::to_string(i) + "}, ";
  }
  const std::string speed =
      "\n    speed: {path: /speed, unit: km/h}\n"
      "    moving: {path: /moving, type: bool}";
  for (const std::string& text :
       {keys + "}", bad_keys + "}", SmallJob("[in]", "[" + topics + "]"),
        SmallJob(speed, " " + signals + "}"), std::string(1 << 20, 'k'),
        std::string(1 << 20, '\n'), "a: \"" + std::string(1000000, 'x'),
        "? " + std::string(1000000, '-')}) {
    ASSERT_LE(text.size(), kMaxYamlBytes);
    EXPECT_LT(Seconds(text), 10) << text.substr(0, 40);
  }
}

// The library counts bytes, people characters.
TEST(YamlTrapsTest, LettersBeyondAsciiMoveNothing) {
  EXPECT_EQ(Complain(WithOperator("excursion: {when: \"speed > 230\", "
                                  "clear: \"speed < 220\", name: \"°°° x\"}")),
            "");
  EXPECT_EQ(Complain(WithOperator("excursion: {name: \"°° F > °F\", "
                                  "when: \"speed > 1\", clear: \"speed < 1\", "
                                  "for: \"1s\"}")),
            "");
  EXPECT_EQ(Complain(WithOperator("excursion: {name: Öl, when: !warm speed, "
                                  "for: 1s}")),
            "j:14:37: error: a value that starts with ! is a YAML tag, which a "
            "job file does not use; for an expression, put quotes around all "
            "of it\n");
  EXPECT_EQ(Complain(WithOperator("excursion: {name: Öl, when: sped > 1}")),
            "j:14:37: error: unknown signal 'sped'\n");
  EXPECT_THAT(Complain(SmallJob("job: small", "job: {Öä: b}}")),
              StartsWith("j:1:13: error: YAML syntax: illegal flow end"));
}

TEST(YamlTrapsTest, AByteOrderMarkHasNoColumn) {
  const std::string mark = "\xef\xbb\xbf";
  EXPECT_EQ(Complain(mark + "job: a\nstate: {dir: \xff}\n"),
            "j:2:14: error: this byte is neither UTF-8 nor white space\n");
  EXPECT_THAT(Complain(mark + "a: {b: c}}\n"), StartsWith("j:1:10: error: "));
  EXPECT_THAT(Complain(mark + mark + "a: {b: \"c\"}}\n"),
              StartsWith("j:1:12: error: "));
  EXPECT_EQ(Complain(mark + SmallJob("job: small", "job: &n 'small'")),
            Complain(SmallJob("job: small", "job: &n 'small'")));
  EXPECT_EQ(Complain(mark + SmallJob("vehicle: /id", "vehicle: \"/id")),
            "j:6:12: error: this quote is never closed\n");
}

}  // namespace
}  // namespace tacho
