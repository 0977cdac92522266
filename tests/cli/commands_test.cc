#include "pipeline/cli/commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "pipeline/cli/version.h"
#include "tests/support/paths.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

struct Outcome {
  int exit_code = 0;
  std::string out;
  std::string err;
};

class ValidateTest : public testing::Test {
 protected:
  std::string Write(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + "tacho_cli_" +
                             std::to_string(getpid()) + "_" + name;
    std::ofstream(path) << text;
    files_.push_back(path);
    return path;
  }
  void TearDown() override {
    for (const std::string& file : files_) unlink(file.c_str());
  }

  static Outcome Validate(const std::vector<std::string>& files,
                          const JobOverrides& overrides = {}) {
    std::ostringstream out;
    std::ostringstream err;
    Outcome outcome;
    outcome.exit_code = ValidateCommand({files, overrides}, out, err);
    outcome.out = out.str();
    outcome.err = err.str();
    return outcome;
  }

 private:
  std::vector<std::string> files_;
};

std::string ShippedJob() {
  return SourceDir() + "/config/jobs/telemetry-analytics.yaml";
}

TEST_F(ValidateTest, SaysOkForACorrectJob) {
  const Outcome outcome = Validate({ShippedJob()});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, ShippedJob() + ": ok\n");
  EXPECT_EQ(outcome.err, "");
}

TEST_F(ValidateTest, AnErrorIsExitCode78WithItsPosition) {
  const std::string path = Write("bad.yaml", "job: a\njob: b\n");
  const Outcome outcome = Validate({path});
  EXPECT_EQ(outcome.exit_code, 78);
  EXPECT_EQ(outcome.out, "");
  EXPECT_THAT(outcome.err,
              HasSubstr(path + ":2:1: error: duplicate key 'job'"));
}

TEST_F(ValidateTest, AWarningIsShownAndTheJobIsOk) {
  const Outcome outcome =
      Validate({ShippedJob()}, JobOverrides{{{"group.id", "test"}}});
  EXPECT_EQ(outcome.exit_code, 0);
  EXPECT_EQ(outcome.out, ShippedJob() + ": ok\n");
  EXPECT_THAT(outcome.err, HasSubstr("--set group.id: warning: group.id: "));
}

TEST_F(ValidateTest, EveryFileIsChecked) {
  const std::string bad = Write("bad.yaml", "job: a\n");
  const Outcome outcome = Validate({bad, ShippedJob(), "/no/such.yaml"});
  EXPECT_EQ(outcome.exit_code, 78);
  EXPECT_EQ(outcome.out, ShippedJob() + ": ok\n");
  EXPECT_THAT(outcome.err, HasSubstr(bad + ":1:1: error: missing 'kafka'"));
  EXPECT_THAT(outcome.err,
              HasSubstr("cannot read '/no/such.yaml': No such file"));
}

TEST_F(ValidateTest, WhatCannotBeReadHasACodeOfItsOwn) {
  EXPECT_EQ(Validate({"/no/such.yaml"}).exit_code, 78);
  EXPECT_EQ(Validate({testing::TempDir()}).exit_code, 74);
}

TEST_F(ValidateTest, AFileThatMayNotBeReadIsExitCode77) {
  if (geteuid() == 0) GTEST_SKIP() << "root may read everything";
  const std::string path = Write("secret.yaml", "job: a\n");
  ASSERT_EQ(chmod(path.c_str(), 0), 0);
  EXPECT_EQ(Validate({path}).exit_code, 77);
}

TEST_F(ValidateTest, AHugeFileIsRefusedNotReadWhole) {
  const std::string path =
      Write("huge.yaml", std::string((size_t{3} << 20), '#'));
  const Outcome outcome = Validate({path});
  EXPECT_EQ(outcome.exit_code, 78);
  EXPECT_THAT(outcome.err, HasSubstr("it has more than 1048576 bytes"));
}

TEST_F(ValidateTest, TextOfTheFileMovesNoCursor) {
  const std::string path =
      Write("esc.yaml", "job: a\n\"\\x1b[2J\\u009b\\u202e\\n\": 1\n");
  const Outcome outcome = Validate({path});
  EXPECT_THAT(outcome.err, HasSubstr("\\u001b[2J\\u009b\\u202e\\n"));
  for (const char* raw : {"\x1b", "\xc2\x9b", "\xe2\x80\xae"}) {
    EXPECT_EQ(outcome.err.find(raw), std::string::npos);
  }
}

// In a child: the process cannot be made dumpable again for the other tests.
int DumpableAfter(const std::string& path, const JobOverrides& overrides) {
  const pid_t child = fork();
  if (child == 0) {
    std::ostringstream out;
    std::ostringstream err;
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    if (ValidateCommand({{path}, overrides}, out, err) != 0) _exit(99);
    _exit(prctl(PR_GET_DUMPABLE, 0, 0, 0, 0));
  }
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST(CoreDumpTest, AProcessWithASecretLeavesNoCore) {
  EXPECT_EQ(DumpableAfter(ShippedJob(), {}), 1);
  EXPECT_EQ(
      DumpableAfter(ShippedJob(), {{{"kafka.sasl.password", "{env: A}"}}}), 0);
  EXPECT_EQ(
      DumpableAfter(ShippedJob(), {{{"kafka.sasl.username", "{file: /a}"}}}),
      0);
}

TEST(DemoCommandTest, OutsideTheRepositorySaysWhatItLacks) {
  const std::filesystem::path here = std::filesystem::current_path();
  std::filesystem::current_path(testing::TempDir());
  testing::internal::CaptureStderr();
  EXPECT_EQ(DemoCommand({}), 64);
  EXPECT_THAT(testing::internal::GetCapturedStderr(),
              HasSubstr("the shipped jobs (config/jobs/telemetry-analytics.yaml"
                        ") are not here; run it in tacho's repository"));
  std::filesystem::current_path(here);
}

TEST(SchemaCommandTest, PrintsTheSchemaOrTheReference) {
  std::ostringstream json;
  EXPECT_EQ(SchemaCommand({false, ""}, json, json), 0);
  EXPECT_EQ(nlohmann::json::parse(json.str())["title"], "tacho job");
  std::ostringstream markdown;
  EXPECT_EQ(SchemaCommand({true, ""}, markdown, markdown), 0);
  EXPECT_THAT(markdown.str(), testing::StartsWith("# Job file reference\n"));
}

TEST(SchemaCommandTest, PrintsWhatAJobWrites) {
  std::ostringstream out;
  std::ostringstream err;
  const std::string job = SourceDir() + "/config/jobs/telemetry-analytics.yaml";
  EXPECT_EQ(SchemaCommand({false, job}, out, err), 0) << err.str();
  const nlohmann::json streams = nlohmann::json::parse(out.str());
  ASSERT_EQ(streams.size(), 1U);
  const nlohmann::json& stream = *streams.begin();
  EXPECT_EQ(stream["encoding"], "json");
  EXPECT_EQ(stream["fields"][0]["name"], "vehicle_id");
  EXPECT_EQ(stream["fields"][0]["type"], "text");
  EXPECT_EQ(stream["fields"][0]["nullable"], false);
  bool has_speed = false;
  for (const auto& field : stream["fields"]) {
    has_speed = has_speed || field.value("unit", "") == "km/h";
  }
  EXPECT_TRUE(has_speed) << out.str();
  EXPECT_EQ(SchemaCommand({false, "/nothing/here.yaml"}, out, err), 78);
}

TEST(VersionCommandTest, PrintsJsonWithEveryLibrary) {
  std::ostringstream out;
  EXPECT_EQ(VersionCommand({true, "mimalloc 9.9.9"}, out), 0);
  const nlohmann::json version = nlohmann::json::parse(out.str());
  EXPECT_EQ(version["tacho"], TachoVersion());
  EXPECT_EQ(version["allocator"], "mimalloc 9.9.9");
  EXPECT_NE(version["compiler"], "");
  for (const char* library : {"fmt", "librdkafka", "rocksdb", "simdjson",
                              "spdlog", "tbb", "xxhash", "yaml-cpp", "zlib"}) {
    EXPECT_THAT(version["libraries"][library].get<std::string>(),
                testing::MatchesRegex("[0-9]+[.][0-9].*"))
        << library;
  }
}

TEST(VersionCommandTest, PrintsTextWithOneLibraryALine) {
  std::ostringstream out;
  EXPECT_EQ(VersionCommand({false, "system"}, out), 0);
  EXPECT_THAT(out.str(), testing::StartsWith("tacho " + TachoVersion() + "\n"));
  EXPECT_THAT(out.str(), HasSubstr("\n  allocator system\n"));
}

}  // namespace
}  // namespace tacho
