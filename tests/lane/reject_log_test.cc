#include "pipeline/lane/reject_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace tacho {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

std::string Logged(const std::function<void()>& what) {
  testing::internal::CaptureStderr();
  what();
  return testing::internal::GetCapturedStderr();
}

class RejectLogTest : public ::testing::Test {
 protected:
  std::string Note(RejectReason reason, size_t site,
                   std::string_view path = "/a") {
    Reject reject{0, reason, {}};
    reject.at.site = site;
    reject.at.path = path;
    return Logged([&] { log_.Note(reject, 17, "text \"x\"", now_); });
  }

  RejectLog log_{{"in", 3}, {"message", "vehicle", "event_time", "speed"}};
  RejectLog::SteadyTime now_{std::chrono::hours(1)};
};

TEST_F(RejectLogTest, TheFirstOfEachReasonAndPlaceIsSaidWithWhereAndWhat) {
  EXPECT_THAT(Note(RejectReason::kWrongType, 3),
              AllOf(HasSubstr("wrong_type"), HasSubstr("speed"),
                    HasSubstr("/a"), HasSubstr("offset=17"),
                    HasSubstr("partition=3"), HasSubstr("count=1")));
  EXPECT_EQ(Note(RejectReason::kWrongType, 3), "");
  EXPECT_THAT(Note(RejectReason::kWrongType, 2), HasSubstr("event_time"));
  EXPECT_THAT(Note(RejectReason::kOutOfRange, 3), HasSubstr("out_of_range"));
  EXPECT_EQ(Note(RejectReason::kOutOfRange, 3), "");

  now_ += RejectLog::kInterval;
  EXPECT_THAT(Note(RejectReason::kWrongType, 3), HasSubstr("count=2"));
}

TEST_F(RejectLogTest, AKeyThatIsReadWronglyIsAWarning) {
  EXPECT_THAT(Note(RejectReason::kWrongType, 1, "key"), HasSubstr("warn"));
  EXPECT_THAT(Note(RejectReason::kWrongType, 3), Not(HasSubstr("warn")));
  EXPECT_THAT(Logged([&] { log_.NoteJsonKeys(now_); }),
              HasSubstr("{key: {as: json}}"));
  EXPECT_EQ(Logged([&] { log_.NoteJsonKeys(now_); }), "");
}

TEST_F(RejectLogTest, AShareAboveTheLimitIsAWarning) {
  const auto count = [&](uint64_t messages, uint64_t rejects) {
    return Logged([&] { log_.Count(messages, rejects, now_); });
  };
  EXPECT_EQ(count(9999, 9999), "");  // Not enough to judge by.
  EXPECT_THAT(count(1, 0), AllOf(HasSubstr("rejects_share"), HasSubstr("warn"),
                                 HasSubstr("rejects=9999")));
  EXPECT_EQ(count(10000, 5000), "");  // Said a moment ago.
  now_ += RejectLog::kInterval;
  EXPECT_EQ(count(10000, 100), "");  // 1 %, not above.
  EXPECT_THAT(count(10000, 101), HasSubstr("rejects=101"));
}

}  // namespace
}  // namespace tacho
