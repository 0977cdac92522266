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
  EXPECT_EQ(ComplainTop("commit: {bytes: 768MiB}\nmemory: {limit: 768MiB}\n"),
            "j:18:17: error: commit.bytes (768MiB) must be less than "
            "memory.limit (768MiB)\n");
  // What is not written is made to fit.
  EXPECT_EQ(ComplainTop("memory: {limit: 64MiB}\n"), "");
  EXPECT_EQ(ComplainTop("commit: {bytes: 768MiB}\n"), "");
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

TEST(JobChecksTest, ARejectHasRoomForItsHeaders) {
  const std::string limits = "limits: {reject_bytes: 32KiB, header_bytes: ";
  EXPECT_EQ(ComplainTop(limits + "32KiB}\n"),
            "j:18:45: error: limits.header_bytes (32KiB) must leave 8640B of "
            "limits.reject_bytes (32KiB): 8KiB, and 7 bytes for each of "
            "limits.headers\n");
  // 7 bytes for each of 64 headers, which may be renamed.
  EXPECT_EQ(ComplainTop(limits + "24128B}\n"), "");
  EXPECT_THAT(ComplainTop(limits + "24129B}\n"), HasSubstr("must leave 8640B"));
  EXPECT_EQ(ComplainTop(limits + "24576B, headers: 0}\n"), "");
  EXPECT_THAT(ComplainTop("limits: {reject_bytes: 32KiB, headers: 1000, "
                          "header_bytes: 24KiB}\n"),
              HasSubstr("must leave 15192B"));
}

TEST(JobChecksTest, AResultFitsATopic) {
  std::string text = SmallJob("moving: {path: /moving, type: bool}",
                              "place: {path: /place, type: string}");
  const std::string excursion = "excursion: {when: speed > 120, name: fast}";
  std::string aggregates;
  for (const char name : {'a', 'b', 'c', 'd', 'e', 'f'}) {
    aggregates += std::string(1, name) + ": last(place), ";
  }
  text.replace(text.find(excursion), excursion.size(),
               "window_aggregate: {window: {tumbling: 1m}, aggregates: {" +
                   aggregates + "n: count()}}");
  EXPECT_EQ(FormatDiagnostics("j", ParseJob(text).errors), "");
  EXPECT_THAT(
      FormatDiagnostics(
          "j", ParseJob(text + "limits: {string_bytes: 16MiB}\n").errors),
      HasSubstr("j:18:24: error: limits.string_bytes: a result of stream "
                "'fast' could have 100"));
}

// A path of so many parts, all its own.
std::string LongPath(size_t parts, const std::string& first) {
  std::string path = "/" + first;
  while (--parts > 0) path += "/";
  return path;
}

TEST(JobChecksTest, APathIsNoDeeperThanAMessage) {
  const auto with_path = [](size_t parts) {
    return SmallJob("path: /speed", "path: " + LongPath(parts, "a")) +
           "limits: {depth: 5}\n";
  };
  EXPECT_EQ(Complain(with_path(5)), "");
  EXPECT_EQ(Complain(with_path(6)),
            "j:9:19: error: input.signals.speed.path: the path leads 6 levels "
            "down, and no message has a value there: limits.depth is 5\n");
  EXPECT_THAT(Complain(SmallJob("vehicle: /id", "vehicle: /a/b/c") +
                       "limits: {depth: 2}\n"),
              HasSubstr("j:6:12: error: input.vehicle: the path leads 3"));
  EXPECT_THAT(Complain(SmallJob("{path: /ts}", "{path: /a/b/c}") +
                       "limits: {depth: 2}\n"),
              HasSubstr("j:7:22: error: input.event_time.path: the path"));
  const auto with_key = [](size_t parts) {
    return SmallJob("vehicle: /id", "vehicle: {key: {as: json, path: " +
                                        LongPath(parts, "a") + "}}");
  };
  EXPECT_EQ(Complain(with_key(64)), "");
  EXPECT_THAT(Complain(with_key(65)),
              HasSubstr("the greatest depth of a key is 64"));
}

TEST(JobChecksTest, AllPathsTogetherAreLimited) {
  const auto with_signals = [](size_t count) {
    std::string signals;
    for (size_t i = 0; i < count; ++i) {
      const std::string name = "s" + std::to_string(i);
      signals += "    " + name + ": {path: " + LongPath(1024, name) + "}\n";
    }
    return SmallJob("    moving: {path: /moving, type: bool}\n", signals);
  };
  // With /id, /ts and /speed.
  EXPECT_EQ(Complain(with_signals(63)), "");
  EXPECT_EQ(Complain(with_signals(64)),
            "j:8:3: error: input.signals: the paths have 65539 parts, where "
            "equal beginnings count once; 65535 can be looked for: read fewer "
            "signals, or shorter paths\n");
}

}  // namespace
}  // namespace tacho
