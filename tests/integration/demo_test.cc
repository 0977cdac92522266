// The quick start: what a first visitor runs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <fstream>

#include "tests/support/paths.h"
#include "tests/support/tacho_process.h"
#include "tests/support/temp_dir.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

size_t Count(const std::string& text, const std::string& what) {
  size_t count = 0;
  for (size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + 1)) {
    ++count;
  }
  return count;
}

std::string Demo(std::vector<std::string> arguments) {
  const TempDir dir;
  arguments.insert(arguments.begin(), "demo");
  TachoProcess demo(arguments, dir / "log");
  EXPECT_EQ(demo.WaitExit(std::chrono::seconds(60)), 0) << demo.Output();
  return demo.Output();
}

std::string JobFile(const std::string& name) {
  return SourceDir() + "/config/jobs/" + name + ".yaml";
}

TEST(DemoTest, TheFleetsMessagesAreAllAccountedFor) {
  const std::string said = Demo({"--duration", "6", "--rate", "5000", "--job",
                                 JobFile("telemetry-analytics"), "--job",
                                 JobFile("vehicle-alert-processor")});

  EXPECT_EQ(Count(said, "every message accounted for"), 2u) << said;
  EXPECT_THAT(said, Not(HasSubstr("NOT ACCOUNTED FOR")));
  EXPECT_THAT(said, HasSubstr("unparsable_json="));  // It has broken ones.
}

TEST(DemoTest, RealMessagesOfAFileAreAllAccountedFor) {
  const std::string input = SourceDir() + "/../shared/data/wide.ndjson.gz";
  if (!std::ifstream(input)) GTEST_SKIP() << input << " is absent";

  const std::string said = Demo(
      {"--duration", "20", "--input", input, "--job", JobFile("wide-demo")});

  EXPECT_THAT(said, HasSubstr("sent 27901 messages"));
  EXPECT_EQ(Count(said, "every message accounted for"), 1u) << said;
}

}  // namespace
}  // namespace tacho
