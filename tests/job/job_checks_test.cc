#include "pipeline/job/job_checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/job/job_text.h"

namespace tacho {
namespace {

using ::testing::HasSubstr;

std::string ComplainGroup(const std::string& keys) {
  return Complain(SmallJob("small-job}", "small-job, " + keys + "}"));
}

std::string ComplainTop(const std::string& lines) {
  return Complain(std::string(kSmallJob) + lines);
}

TEST(JobChecksTest, HeartbeatsAreFasterThanTheSession) {
  EXPECT_EQ(ComplainGroup("heartbeat_interval: 45s"),
            "j:3:44: error: group.heartbeat_interval (45s) must be less than "
            "group.session_timeout (45s)\n");
  EXPECT_EQ(ComplainGroup("session_timeout: 2s"),
            "j:3:41: error: group.heartbeat_interval (3s) must be less than "
            "group.session_timeout (2s)\n");
  EXPECT_EQ(ComplainGroup("heartbeat_interval: 44999ms"), "");
}

TEST(JobChecksTest, TheSessionFitsThePollInterval) {
  EXPECT_EQ(ComplainGroup("max_poll_interval: 44s"),
            "j:3:43: error: group.session_timeout (45s) must be at most "
            "group.max_poll_interval (44s)\n");
  EXPECT_EQ(ComplainGroup("max_poll_interval: 45s"), "");
}

TEST(JobChecksTest, RevokeTimeoutFollowsThePollInterval) {
  const auto timeout = [](const std::string& keys, const std::string& top) {
    return Parse(SmallJob("small-job}",
                          "small-job, session_timeout: 10s, " + keys + "}") +
                 top)
        .job.revoke_timeout.count();
  };
  EXPECT_EQ(timeout("max_poll_interval: 5m", ""), 10000);
  EXPECT_EQ(timeout("max_poll_interval: 40s", ""), 10000);
  EXPECT_EQ(timeout("max_poll_interval: 20s", ""), 5000);
  EXPECT_EQ(timeout("max_poll_interval: 20s", "revoke_timeout: 9s\n"), 9000);
  EXPECT_EQ(ComplainTop("revoke_timeout: 5m\n"),
            "j:18:17: error: revoke_timeout (5m) must be less than "
            "group.max_poll_interval (5m)\n");
}

TEST(JobChecksTest, VehiclesAreForgottenAfterTheyAreIdle) {
  EXPECT_EQ(ComplainTop("vehicle_idle_timeout: 8d\n"),
            "j:18:23: error: vehicle_idle_timeout (8d) must be at most "
            "vehicle_forget (7d)\n");
}

TEST(JobChecksTest, LimitsOfAnAdvanceThatIsOffHaveNoEffect) {
  const std::string off = "idle_advance: off\n";
  const std::string skew = SmallJob(
      "{path: /ts}", "{path: /ts, max_future_skew: 1m, clock_guard: off}");
  EXPECT_EQ(Complain(skew), "");
  EXPECT_THAT(Complain(skew + off),
              HasSubstr("warning: input.event_time.max_future_skew: has no "
                        "effect with clock_guard: off and idle_advance: off"));
  EXPECT_EQ(ComplainTop("idle_timeout: 2m\n"), "");
  EXPECT_THAT(ComplainTop(off + "idle_timeout: 2m\n"),
              HasSubstr("warning: idle_timeout: has no effect with "
                        "idle_advance: off"));
}

TEST(JobChecksTest, EventTimeLimitsAreInOrder) {
  EXPECT_EQ(Complain(SmallJob("{path: /ts}", "{path: /ts, max: 1999-01-01}")),
            "j:7:32: error: input.event_time.max: is before "
            "input.event_time.min\n");
}

TEST(JobChecksTest, AnEpochFitsTheMemory) {
  EXPECT_EQ(ComplainTop("commit: {bytes: 768MiB}\n"),
            "j:18:17: error: commit.bytes (768MiB) must be less than "
            "memory.limit (768MiB)\n");
  EXPECT_EQ(ComplainTop("memory: {limit: 64MiB}\n"),
            "j:18:17: error: commit.bytes (64MiB) must be less than "
            "memory.limit (64MiB)\n");
}

TEST(JobChecksTest, AJobDoesNotReadWhatItWrites) {
  EXPECT_EQ(Complain(SmallJob("{topic: out}", "{topic: in}")),
            "j:15:21: error: streams.fast.output.topic: 'in' is an input; the "
            "job would read what it writes\n");
  EXPECT_EQ(Complain(SmallJob("rejects: drop", "rejects: {topic: in}")),
            "j:16:18: error: rejects.topic: 'in' is an input; the job would "
            "read what it writes\n");
  EXPECT_EQ(Complain(SmallJob("late: drop", "late: {topic: in}")),
            "j:17:15: error: late.topic: 'in' is an input; the job would read "
            "what it writes\n");
}

TEST(JobChecksTest, ResultsDoNotMixWithRejects) {
  EXPECT_EQ(Complain(SmallJob("rejects: drop", "rejects: {topic: out}")),
            "j:15:21: error: streams.fast.output.topic: 'out' is the topic for "
            "rejects\n");
  EXPECT_EQ(Complain(SmallJob("late: drop", "late: {topic: out}")),
            "j:15:21: error: streams.fast.output.topic: 'out' is the topic for "
            "late records\n");
}

TEST(JobChecksTest, GenericGroupsAreWarnedAbout) {
  for (const char* id : {"test", "group", "consumer", "consumer1", "my-group",
                         "console-consumer", "console-consumer-41234"}) {
    EXPECT_THAT(
        Complain(SmallJob("{id: small-job}", "{id: " + std::string(id) + "}")),
        HasSubstr("j:3:13: warning: group.id: '"))
        << id;
  }
}

}  // namespace
}  // namespace tacho
