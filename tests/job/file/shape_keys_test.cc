// The keys of a decoder's tables: format, framing, shape and what is theirs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "pipeline/job/file/job_keys.h"
#include "tests/job/job_text.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

// The small job with other lines in place of its input's.
std::string WithInput(const std::string& lines, const std::string& speed) {
  std::string text = SmallJob("  vehicle: /id\n", lines + "  vehicle: /id\n");
  constexpr std::string_view kSpeed = "{path: /speed, unit: km/h}";
  text.replace(text.find(kSpeed), kSpeed.size(), speed);
  constexpr std::string_view kMoving =
      "    moving: {path: /moving, type: bool}\n";
  return text.replace(text.find(kMoving), kMoving.size(), "");
}

const std::string kDatums =
    "  shape: datums\n"
    "  data: /data\n"
    "  name: /key\n"
    "  value: /value\n";
const std::string kSpeed = "{name: Speed, unit: km/h}";

TEST(ShapeKeysTest, WithoutThemAJobIsJsonWithoutFramingAndWide) {
  for (const char* line :
       {"", "  decoder: wide\n", "  shape: wide\n", "  format: json\n",
        "  framing: none\n", "  shape: wide\n  format: json\n"}) {
    const ParsedJob parsed =
        Parse(WithInput(line, "{path: /speed, unit: km/h}"));
    ASSERT_TRUE(parsed.ok()) << FormatDiagnostics("j", parsed.errors);
    EXPECT_EQ(parsed.job.decode.shape->name, "wide");
    EXPECT_EQ(parsed.job.decode.format->name, "json");
    EXPECT_EQ(parsed.job.decode.framing->name, "none");
  }
}

TEST(ShapeKeysTest, DatumsHaveKeysOfTheirOwn) {
  const ParsedJob parsed =
      Parse(WithInput(kDatums + "  time: /t\n  invalid: /value/invalid\n",
                      "{name: Speed, path: /value/x, unit: km/h}"));
  ASSERT_TRUE(parsed.ok()) << FormatDiagnostics("j", parsed.errors);
  const DecoderConfig& decode = parsed.job.decode;
  EXPECT_EQ(decode.shape->name, "datums");
  EXPECT_EQ(decode.datums.list_path, "/data");
  EXPECT_EQ(decode.datums.name_path, "/key");
  EXPECT_EQ(decode.datums.value_path, "/value");
  EXPECT_EQ(decode.datums.time_path, "/t");
  EXPECT_EQ(decode.datums.invalid_path, "/value/invalid");
  EXPECT_EQ(decode.signals[0].name, "Speed");
  EXPECT_EQ(decode.signals[0].path, "/value/x");
  EXPECT_EQ(Complain(WithInput(kDatums, kSpeed)), "");
}

TEST(ShapeKeysTest, AMisspelledNameSaysWhatWasMeant) {
  EXPECT_EQ(Complain(WithInput("  shape: datum\n", "{path: /s, unit: km/h}")),
            "j:6:10: error: input.shape: unknown shape 'datum'; did you mean "
            "'datums'?\n");
  EXPECT_EQ(Complain(WithInput("  decoder: wied\n", "{path: /s, unit: km/h}")),
            "j:6:12: error: input.decoder: unknown shape 'wied'; did you mean "
            "'wide'?\n");
  EXPECT_EQ(Complain(WithInput("  format: avro\n", "{path: /s, unit: km/h}")),
            "j:6:11: error: input.format: unknown format 'avro'; known: "
            "json\n");
  EXPECT_EQ(
      Complain(WithInput("  framing: confluent\n", "{path: /s, unit: km/h}")),
      "j:6:12: error: input.framing: unknown framing 'confluent'; known: "
      "none\n");
}

TEST(ShapeKeysTest, AKeyOfAnotherShapeIsRefused) {
  EXPECT_EQ(Complain(WithInput("  data: /data\n", "{path: /s, unit: km/h}")),
            "j:6:3: error: input.data: has no meaning with shape: wide\n");
  EXPECT_EQ(Complain(WithInput("", "{path: /s, name: S, unit: km/h}")),
            "j:9:23: error: input.signals.speed.name: has no meaning with "
            "shape: wide\n");
}

TEST(ShapeKeysTest, WhatAShapeRequiresIsMissed) {
  EXPECT_EQ(Complain(WithInput("", "{unit: km/h}")),
            "j:9:5: error: missing 'input.signals.speed.path'\n");
  EXPECT_EQ(
      Complain(WithInput("  shape: datums\n  data: /data\n", "{unit: km/h}")),
      "j:4:1: error: missing 'input.name'\n"
      "j:4:1: error: missing 'input.value'\n"
      "j:11:5: error: missing 'input.signals.speed.name'\n");
}

TEST(ShapeKeysTest, TheAliasIsNotWrittenBesideTheKey) {
  EXPECT_EQ(Complain(WithInput("  shape: wide\n  decoder: wide\n",
                               "{path: /s, unit: km/h}")),
            "j:7:12: error: input.decoder: is another word for input.shape; "
            "write one\n");
  EXPECT_THAT(Complain(WithInput("  decoder: datums\n", kSpeed)),
              HasSubstr("missing 'input.data'"));
}

TEST(ShapeKeysTest, ValuesOfTheMessageAreNotLookedForInTheList) {
  std::string text = WithInput(kDatums, kSpeed);
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string changed = text;
    return changed.replace(changed.find(from), from.size(), to);
  };
  EXPECT_EQ(Complain(with("vehicle: /id", "vehicle: /data/0/id")),
            "j:10:12: error: input.vehicle: leads into the list of data, "
            "/data; only data are read from there\n");
  EXPECT_THAT(Complain(with("path: /ts", "path: /data/ts")),
              HasSubstr("input.event_time.path: leads into the list"));
  EXPECT_EQ(Complain(with("vehicle: /id", "vehicle: /database")), "");
}

TEST(ShapeKeysTest, AcceptHasOneList) {
  const std::string speed = "{path: /s, unit: km/h}";
  const ParsedJob in = Parse(
      WithInput("  accept: {path: /kind, in: [location, 17, true]}\n", speed));
  ASSERT_TRUE(in.ok()) << FormatDiagnostics("j", in.errors);
  EXPECT_EQ(in.job.decode.accept.path, "/kind");
  EXPECT_THAT(in.job.decode.accept.values,
              testing::ElementsAre("location", "17", "true"));
  EXPECT_TRUE(in.job.decode.accept.takes_listed);
  const ParsedJob out =
      Parse(WithInput("  accept: {path: /resend, not_in: [true]}\n", speed));
  ASSERT_TRUE(out.ok());
  EXPECT_FALSE(out.job.decode.accept.takes_listed);
  EXPECT_EQ(Complain(WithInput("  accept: {path: /kind}\n", speed)),
            "j:6:3: error: input.accept: write one of `in` and `not_in`\n");
  EXPECT_EQ(Complain(WithInput("  accept: {path: /a, in: [1], not_in: [2]}\n",
                               speed)),
            "j:6:3: error: input.accept: write one of `in` and `not_in`\n");
  EXPECT_EQ(Complain(WithInput("  accept: {path: /a, in: []}\n", speed)),
            "j:6:26: error: input.accept.in: the list is empty\n");
  EXPECT_THAT(Complain(WithInput("  accept: {path: /a, in: x}\n", speed)),
              HasSubstr("expected a list, as in [location, 17, true]"));
}

// What a table's row says is a key that there is.
TEST(ShapeKeysTest, EveryKeyOfAShapeIsInTheKeyTable) {
  for (const ShapeType* shape : ShapeTypes()) {
    for (const ShapeKey& key : shape->keys) {
      const auto is_it = [&](const JobKey& row) {
        return row.path == key.path;
      };
      EXPECT_TRUE(std::any_of(JobKeys().begin(), JobKeys().end(), is_it))
          << key.path;
    }
  }
}

}  // namespace
}  // namespace tacho
