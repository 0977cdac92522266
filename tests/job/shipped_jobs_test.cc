// The jobs under config/jobs, with the real operators.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "pipeline/base/file.h"
#include "pipeline/job/job_parser.h"
#include "pipeline/job/print/job_schema.h"
#include "tests/job/print/schema_validator.h"
#include "tests/support/paths.h"

namespace tacho {
namespace {

std::vector<std::filesystem::path> ShippedJobs() {
  std::vector<std::filesystem::path> jobs;
  for (const auto& entry :
       std::filesystem::directory_iterator(SourceDir() + "/config/jobs")) {
    if (entry.path().extension() == ".yaml") jobs.push_back(entry.path());
  }
  std::sort(jobs.begin(), jobs.end());
  return jobs;
}

Job Load(const std::string& name) {
  const ParsedJob parsed =
      ParseJob(*ReadFile(SourceDir() + "/config/jobs/" + name));
  EXPECT_TRUE(parsed.ok()) << FormatDiagnostics(name, parsed.errors);
  return parsed.job;
}

TEST(ShippedJobsTest, HaveNeitherErrorsNorWarnings) {
  const auto jobs = ShippedJobs();
  EXPECT_GE(jobs.size(), 3u);
  for (const auto& path : jobs) {
    EXPECT_EQ(
        FormatDiagnostics(path.filename(), ParseJob(*ReadFile(path)).errors),
        "");
  }
}

TEST(ShippedJobsTest, AreValidByTheSchemaThatEditorsUse) {
  const nlohmann::json schema = nlohmann::json::parse(JobSchemaJson());
  for (const auto& path : ShippedJobs()) {
    const std::string text = *ReadFile(path);
    Diagnostics diagnostics;
    const YamlSource source(text);
    const auto root = LoadYaml(source, diagnostics);
    ASSERT_TRUE(root.has_value()) << path;
    EXPECT_EQ(JudgeBySchema(schema, *root), "") << path;
  }
}

TEST(ShippedJobsTest, AreNamedAfterTheirFilesAndGroups) {
  for (const auto& path : ShippedJobs()) {
    const Job job = Load(path.filename());
    EXPECT_EQ(job.name, path.stem());
    EXPECT_EQ(job.group.id, path.stem());
    EXPECT_EQ(job.topics, std::vector<std::string>{"vehicle.telemetry"});
  }
}

TEST(ShippedJobsTest, ExpressionErrorsHaveTheirPlaceInTheFile) {
  std::string text =
      *ReadFile(SourceDir() + "/config/jobs/vehicle-alert-processor.yaml");
  const std::string condition = "when: speed > 120 km/h";
  const size_t at = text.find(condition);
  ASSERT_NE(at, std::string::npos);
  text.replace(at, condition.size(), "when: 'sped > 120 km/h'");
  const YamlSource source(text);
  const Origin origin = source.OriginAt(at + 7);
  const std::vector<Diagnostic> errors = ParseJob(text).errors;
  ASSERT_EQ(errors.size(), 1u) << FormatDiagnostics("", errors);
  EXPECT_EQ(errors[0].line, origin.line);
  EXPECT_EQ(errors[0].column, origin.column);
  EXPECT_NE(errors[0].message.find("sped"), std::string::npos);
}

TEST(ShippedJobsTest, AnalyticsComputesMinuteStatistics) {
  const Job job = Load("telemetry-analytics.yaml");
  ASSERT_EQ(job.streams.size(), 1u);
  EXPECT_EQ(job.streams[0].output.topic, "vehicle.stats");
  const OperatorConfig& last = job.streams[0].operators.back();
  ASSERT_EQ(last.type->name, "window_aggregate");
  EXPECT_EQ(last.params.Find("window")->children[0].duration,
            std::chrono::minutes(1));
  EXPECT_EQ(last.params.Find("aggregates")->children.size(), 7u);
}

TEST(ShippedJobsTest, AlertsWatchSpeedAndTemperature) {
  const Job job = Load("vehicle-alert-processor.yaml");
  ASSERT_EQ(job.streams.size(), 2u);
  for (const StreamConfig& stream : job.streams) {
    EXPECT_EQ(stream.output.topic, "vehicle.alerts");
    EXPECT_EQ(stream.operators.back().type->name, "excursion");
    EXPECT_NE(stream.operators.back().params.Find("clear"), nullptr);
  }
}

}  // namespace
}  // namespace tacho
