#include "pipeline/base/log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <string>

#include "pipeline/base/last_line.h"

namespace tacho {
namespace {

TEST(LogSiteTest, AdmitsABurstAndSuppressesTheRest) {
  LogSite site;
  uint64_t suppressed = 99;
  for (uint32_t i = 0; i < LogSite::kBurst; ++i) {
    EXPECT_TRUE(site.Admit(1000, suppressed));
    EXPECT_EQ(suppressed, 0u);
  }
  for (int i = 0; i < 5; ++i) EXPECT_FALSE(site.Admit(1001, suppressed));
}

TEST(LogSiteTest, NextWindowReportsWhatWasHeldBackOnce) {
  LogSite site;
  uint64_t suppressed = 0;
  for (uint32_t i = 0; i < LogSite::kBurst + 7; ++i) {
    site.Admit(1000, suppressed);
  }
  const int64_t later = 1000 + LogSite::kWindowSeconds;
  ASSERT_TRUE(site.Admit(later, suppressed));
  EXPECT_EQ(suppressed, 7u);
  ASSERT_TRUE(site.Admit(later, suppressed));
  EXPECT_EQ(suppressed, 0u);
}

TEST(LogSiteTest, WindowBoundaryIsAMultipleOfItsLength) {
  LogSite site;
  uint64_t suppressed = 0;
  const int64_t end = 10 * LogSite::kWindowSeconds;
  for (uint32_t i = 0; i < LogSite::kBurst; ++i)
    site.Admit(end - 1, suppressed);
  EXPECT_FALSE(site.Admit(end - 1, suppressed));
  EXPECT_TRUE(site.Admit(end, suppressed));
}

std::string Logged(LogFormat format, LogLevel threshold) {
  InitLog(threshold, format);
  testing::internal::CaptureStderr();
  LogSite site;
  LogEvent(site, LogLevel::kWarn, "lane_stopped",
           {{"lane", "t/3"},
            {"why", "a \"b\"\n\x01"},
            {"count", 3},
            {"ok", false},
            {"ratio", 0.25}});
  return testing::internal::GetCapturedStderr();
}

TEST(LogTest, JsonLineParsesWithTypesKept) {
  const std::string line = Logged(LogFormat::kJson, LogLevel::kInfo);
  const auto parsed = nlohmann::json::parse(line);
  EXPECT_EQ(parsed["level"], "warn");
  EXPECT_EQ(parsed["event"], "lane_stopped");
  EXPECT_EQ(parsed["why"], "a \"b\"\n\x01");
  EXPECT_EQ(parsed["count"], 3);
  EXPECT_EQ(parsed["ok"], false);
  EXPECT_EQ(parsed["ratio"], 0.25);
  EXPECT_EQ(parsed["time"].get<std::string>().size(), 24u);
}

TEST(LogTest, LogfmtQuotesOnlyWhatNeedsIt) {
  const std::string line = Logged(LogFormat::kLogfmt, LogLevel::kInfo);
  EXPECT_NE(line.find(" level=warn event=lane_stopped lane=t/3 why=\"a "
                      "\\\"b\\\"\\n\\u0001\" count=3 ok=false ratio=0.25\n"),
            std::string::npos)
      << line;
}

TEST(LogTest, TextOfOthersMovesNoCursor) {
  for (const auto format : {LogFormat::kLogfmt, LogFormat::kJson}) {
    InitLog(LogLevel::kInfo, format);
    testing::internal::CaptureStderr();
    LogSite site;
    LogEvent(site, LogLevel::kWarn, "e",
             {{"why", "\x1b[2J\x7f\xc2\x9b\xe2\x80\xae\x9b\nx"}});
    const std::string line = testing::internal::GetCapturedStderr();
    EXPECT_NE(line.find("\"\\u001b[2J\\u007f\\u009b\\u202e\\\\x9b\\nx\""),
              std::string::npos)
        << line;
    EXPECT_EQ(line.find('\n'), line.size() - 1);
    if (format == LogFormat::kJson) {
      EXPECT_TRUE(nlohmann::json::accept(line)) << line;
    }
  }
}

TEST(LogTest, LineBelowTheLevelIsNotWritten) {
  EXPECT_EQ(Logged(LogFormat::kLogfmt, LogLevel::kError), "");
}

// A process that ends hard has threads that go on talking for a moment.
TEST(LogDeathTest, NothingIsLoggedAfterTheLastLine) {
  EXPECT_EXIT(
      {
        LOG(kInfo, "before", {{"n", 1}});
        LogLast(LogLevel::kError, "stopped", {{"n", 2}});
        LOG(kError, "after", {{"n", 3}});
        LogOrSkip(LogLevel::kError, "skipped", {{"n", 4}});
        LogLast(LogLevel::kError, "again", {{"n", 5}});
        _exit(0);
      },
      testing::ExitedWithCode(0),
      testing::AllOf(testing::HasSubstr("before"),
                     testing::HasSubstr("stopped"),
                     testing::Not(testing::HasSubstr("after")),
                     testing::Not(testing::HasSubstr("skipped")),
                     testing::Not(testing::HasSubstr("again"))));
}

}  // namespace
}  // namespace tacho
