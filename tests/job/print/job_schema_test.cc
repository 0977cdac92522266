#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <set>

#include "pipeline/job/file/job_keys.h"
#include "pipeline/job/job_parser.h"
#include "pipeline/job/print/job_reference.h"
#include "pipeline/job/print/job_schema.h"
#include "tests/job/job_text.h"
#include "tests/job/print/schema_validator.h"

namespace tacho {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

const json& Schema() {
  static const json schema = json::parse(JobSchemaJson(FakeOperatorTypes()));
  return schema;
}

std::string Judge(const std::string& text) {
  Diagnostics diagnostics;
  const YamlSource source(text);
  const std::optional<YamlNode> root = LoadYaml(source, diagnostics);
  return root ? JudgeBySchema(Schema(), *root) : "no YAML";
}

// The schema of a key of the table.
const json& SchemaOf(std::string_view path) {
  const json* schema = &Schema();
  while (!path.empty()) {
    const size_t dot = path.find('.');
    const std::string segment(path.substr(0, dot));
    if (schema->contains("oneOf")) schema = &(*schema)["oneOf"][1];
    schema = segment == "*" ? &schema->at("additionalProperties")
                            : &schema->at("properties").at(segment);
    path.remove_prefix(dot == std::string_view::npos ? path.size() : dot + 1);
  }
  return *schema;
}

TEST(JobSchemaTest, IsAJsonSchemaOfTheDraftThatEditorsKnow) {
  EXPECT_EQ(Schema()["$schema"],
            "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(Schema()["type"], "object");
  EXPECT_EQ(Schema()["additionalProperties"], false);
}

TEST(JobSchemaTest, DescribesEveryKeyWithItsHelpAndDefault) {
  for (const JobKey& key : JobKeys()) {
    const json& schema = SchemaOf(key.path);
    EXPECT_EQ(schema["description"], key.help) << key.path;
    EXPECT_EQ(schema.contains("default"), !key.default_text.empty())
        << key.path;
    if (key.kind == KeyKind::kChoice) {
      EXPECT_EQ(schema["enum"], json(key.Choices())) << key.path;
    }
  }
}

TEST(JobSchemaTest, DefaultsAreValidBySchema) {
  for (const JobKey& key : JobKeys()) {
    const json& schema = SchemaOf(key.path);
    if (!schema.contains("default")) continue;
    YamlNode node;
    node.kind = YamlNode::Kind::kScalar;
    node.text = key.default_text;
    EXPECT_EQ(JudgeBySchema(schema, node), "") << key.path;
  }
}

TEST(JobSchemaTest, AcceptsACorrectJob) {
  EXPECT_EQ(Judge(std::string(kSmallJob)), "");
  EXPECT_EQ(
      Judge(SmallJob("late: drop",
                     "late: {topic: l}\n"
                     "commit: {interval: 1m30s, bytes: 10MiB, records: 7}\n"
                     "memory: {limit: 1000000000}\n"
                     "partitions_added: stop\n")),
      "");
  EXPECT_EQ(Judge(SmallJob("localhost:9092}",
                           "h:1, sasl.password: {file: /a}, linger.ms: 5}")),
            "");
}

TEST(JobSchemaTest, RefusesWhatTheParserRefuses) {
  const std::pair<std::string, std::string> wrong[] = {
      {"late: drop", "late: drop\nsesion: 1"},
      {"late: drop", "late: fail"},
      {"late: drop", "late: drop\ncommit: {interval: 200}"},
      {"late: drop", "late: drop\ncommit: {bytes: 1.5MB}"},
      {"late: drop", "late: drop\nbatch: {max_records: 0}"},
      {"late: drop", "late: drop\nguarantee: exactly-once"},
      {"rejects: drop\n", ""},
      {"vehicle: /id", "vehicle: id"},
      {"vehicle: /id", "vehicle: {key: {as: int16}}"},
      {"vehicle: /id", "vehicle: {key: {as: json, pth: /id}}"},
      {"topics: [in]", "topics: []"},
      {"topics: [in]", "topics: [a, a]"},
      {"topics: [in]", "topics: [^a]"},
      {"unit: km/h", "unit: kmph"},
      {"type: bool", "type: boolean"},
      {"path: /moving, ", ""},
      {"path: /moving, ", "name: M, path: /moving, "},
      {"vehicle: /id", "vehicle: /id\n  shape: wied"},
      {"vehicle: /id", "vehicle: /id\n  shape: datums"},
      {"vehicle: /id", "vehicle: /id\n  data: /a"},
      {"vehicle: /id", "vehicle: /id\n  accept: {path: /a, in: []}"},
      {"{id: small-job}", "{ide: small-job}"},
      {"localhost:9092}", "h:1, acks: 1}"},
      {"localhost:9092}", "h:1, sasl.password: {path: /a}}"},
      {"  fast:", "  fa.st:"},
      {"excursion:", "excurson:"},
      {"name: fast}", "nam: fast}"},
      {", name: fast}", "}"}};
  for (const auto& [from, to] : wrong) {
    const std::string text = SmallJob(from, to);
    EXPECT_NE(Judge(text), "") << to;
    EXPECT_FALSE(Parse(text).ok()) << to;
  }
}

TEST(JobSchemaTest, DescribesOperatorsFromTheirTables) {
  const json& operators =
      SchemaOf("streams.*.operators")["items"]["properties"];
  std::set<std::string> names;
  for (const auto& [name, schema] : operators.items()) names.insert(name);
  EXPECT_THAT(names,
              testing::ElementsAre("excursion", "filter", "window_aggregate"));
  EXPECT_EQ(operators["excursion"]["required"], json({"when", "name"}));
  EXPECT_EQ(operators["excursion"]["properties"]["for"]["default"], "0s");
  EXPECT_EQ(operators["filter"]["oneOf"].size(), 2u);
  const json& window = operators["window_aggregate"]["properties"]["window"];
  EXPECT_EQ(window["maxProperties"], 1);
  EXPECT_EQ(window["additionalProperties"], false);
  const json& hopping = window["properties"]["hopping"];
  EXPECT_EQ(hopping["required"], json({"size"}));
  EXPECT_EQ(hopping["properties"]["slide"]["default"], "1m");
}

TEST(JobReferenceTest, HasARowForEveryKeyOperatorAndProperty) {
  const std::string text = JobReferenceMarkdown(FakeOperatorTypes());
  for (const JobKey& key : JobKeys()) {
    EXPECT_THAT(text, HasSubstr("\n| `" + std::string(key.path) + "` | "));
  }
  for (const OperatorType& type : FakeOperatorTypes()) {
    EXPECT_THAT(text, HasSubstr("\n### " + std::string(type.name) + "\n"));
  }
  EXPECT_THAT(text, HasSubstr("\n| `window.hopping.slide` | `1m` | "));
  for (const KafkaPropertyRule& rule : KafkaPropertyRules()) {
    EXPECT_THAT(text, HasSubstr("\n| `" + std::string(rule.name) + "` | "));
  }
}

}  // namespace
}  // namespace tacho
