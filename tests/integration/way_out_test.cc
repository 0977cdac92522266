// Whatever a worker is doing when it is told to end, and whatever has become of
// the broker by then: it ends, in time, and its last line says how.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tests/integration/worker_fixture.h"
#include "tests/support/open_transaction.h"

namespace tacho {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// revoke_timeout, which the tests set to a second, and ten.
constexpr seconds kLongestWayOut{11};

// Sets a variable for the children that are started while it lives.
class Environment {
 public:
  Environment(const char* name, const std::string& value) : name_(name) {
    setenv(name, value.c_str(), 1);
  }
  ~Environment() { unsetenv(name_); }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;

 private:
  const char* const name_;
};

// 'T' while it is stopped.
char StateOf(pid_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(in, text);
  const size_t after = text.rfind(')');
  return after == std::string::npos ? '?' : text[after + 2];
}

class WayOutTest : public WorkerOnKafka {
 protected:
  static constexpr const char* kOneSecond = "revoke_timeout=1s";

  static Arguments With(Arguments arguments) {
    arguments.insert(arguments.end(), {"--set", kOneSecond});
    return arguments;
  }

  // The last line of its log, which is about the end.
  static TachoProcess::Event LastLine(const TachoProcess& worker) {
    TachoProcess::Event last;
    std::istringstream lines(worker.Output());
    for (std::string line; std::getline(lines, line);) {
      auto event = TachoProcess::Event::parse(line, nullptr, false);
      if (event.is_object()) last = std::move(event);
    }
    return last;
  }

  // It ends in time; how, is its last line's to say.
  static int ExpectEnds(TachoProcess& worker, steady_clock::time_point start) {
    const auto code = worker.WaitExit(kLongestWayOut * 2);
    EXPECT_TRUE(code.has_value()) << "hangs\n" << worker.Output();
    EXPECT_LT(steady_clock::now() - start, kLongestWayOut) << worker.Output();
    EXPECT_EQ(LastLine(worker).value("event", ""), "stopped")
        << worker.Output();
    return code.value_or(-1);
  }
};

// ---- A signal at each step, with the broker there, frozen and gone.

enum class Broker { kThere, kFrozen, kGone };
enum class Needs { kNothing, kState, kRebalance };

struct Step {
  const char* point;
  int passing;
  Needs needs = Needs::kNothing;
  // Without the broker some ten seconds each: these stand for the rest, which
  // TACHO_EVERY_STEP=1 adds.
  bool stands = false;
};

constexpr Step kSteps[] = {
    {"producer.before_init", 1},
    {"producer.after_init", 1, Needs::kNothing, true},
    {"assign.begin", 1},
    {"takeover.before_create", 1},
    {"takeover.after_committed", 2},
    {"takeover.after_base", 1, Needs::kNothing, true},
    {"restore.after_step", 1, Needs::kState, true},
    {"takeover.ready", 1},
    {"takeover.before_load", 1},
    {"commit.before_begin", 2},
    {"commit.after_begin", 2, Needs::kNothing, true},
    {"commit.after_produce", 2},
    {"commit.after_flush", 2},
    {"commit.after_offsets", 2},
    {"commit.before_commit", 2, Needs::kNothing, true},
    {"commit.after_commit", 2},
    {"commit.after_apply", 2},
    {"revoke.begin", 1, Needs::kRebalance, true},
    {"revoke.after_last_commit", 1, Needs::kRebalance},
    {"revoke.after_close", 1, Needs::kRebalance},
};

class SignalAtEachStepTest : public WayOutTest,
                             public ::testing::WithParamInterface<Broker> {
 protected:
  void TryStep(const Step& step) {
    SCOPED_TRACE(step.point);
    // A group belongs to one job.
    const std::string id = name() + "-" + step.point;
    Arguments arguments =
        With({"--set", "group.id=" + id, "--broker-timeout", "20"});
    if (step.needs == Needs::kState) {
      ASSERT_EQ(RunToEnd(id + "-before", arguments), 0);
    }
    std::unique_ptr<TachoProcess> worker;
    {
      const Environment armed("TACHO_FAIL_POINT",
                              std::string(step.point) + ":" +
                                  std::to_string(step.passing) + ":stop");
      worker = Start(id, arguments);
    }
    std::unique_ptr<TachoProcess> other;
    if (step.needs == Needs::kRebalance) {
      ASSERT_TRUE(worker->WaitFor("lane_ready")) << worker->Output();
      other = Start(id + "-other", arguments);
    } else if (step.passing > 1) {
      ASSERT_TRUE(worker->WaitFor("partitions_assigned")) << worker->Output();
    }
    const auto stopped = [&] { return StateOf(worker->pid()) == 'T'; };
    for (int more = 0; more < 20 && !stopped(); ++more) {
      Produce(Telemetry(50, 31 + static_cast<uint64_t>(more)));
      (void)Eventually(stopped, seconds(1));
    }
    ASSERT_TRUE(stopped()) << "never came to " << step.point << "\n"
                           << worker->Output();

    if (GetParam() == Broker::kFrozen) broker().Pause();
    if (GetParam() == Broker::kGone) broker().Kill();
    worker->Signal(SIGTERM);
    const auto start = steady_clock::now();
    worker->Signal(SIGCONT);
    const int code = ExpectEnds(*worker, start);
    if (GetParam() == Broker::kThere) {
      EXPECT_EQ(code, 0) << worker->Output();
    } else {
      EXPECT_THAT(code, AnyOf(0, 69, 143)) << worker->Output();
    }
    if (other != nullptr) other->Kill();
    if (GetParam() == Broker::kFrozen) broker().Resume();
    if (GetParam() != Broker::kGone) return;
    const Status back = broker().Restart();
    ASSERT_TRUE(back.ok()) << back.ToString();
  }
};

TEST_P(SignalAtEachStepTest, EndsInTime) {
  Prepare("steps-" + std::to_string(static_cast<int>(GetParam())), 2);
  Produce(Telemetry(500, 30));
  const bool all = GetParam() == Broker::kThere ||
                   std::getenv("TACHO_EVERY_STEP") != nullptr;
  for (const Step& step : kSteps) {
    if (all || step.stands) TryStep(step);
  }
}

INSTANTIATE_TEST_SUITE_P(Broker, SignalAtEachStepTest,
                         ::testing::Values(Broker::kThere, Broker::kFrozen,
                                           Broker::kGone),
                         [](const auto& named) -> std::string {
                           switch (named.param) {
                             case Broker::kThere:
                               return "There";
                             case Broker::kFrozen:
                               return "Frozen";
                             case Broker::kGone:
                               return "Gone";
                           }
                           return "";
                         });

TEST_F(WayOutTest, ASignalWhileAFrozenBrokerIsAskedAtTheStartIsObeyed) {
  Prepare("frozen-start", 1);
  broker().Pause();
  const auto worker = Start("host", With({}));
  ASSERT_TRUE(worker->WaitFor("start")) << worker->Output();
  const auto start = steady_clock::now();
  worker->Signal(SIGTERM);

  EXPECT_THAT(ExpectEnds(*worker, start), AnyOf(0, 143)) << worker->Output();
  broker().Resume();
}

// ---- The input is gone.

TEST_F(WayOutTest, AnInputThatIsDeletedEndsTheWorkerWithAMessage) {
  Prepare("deleted", 2);
  Produce(Telemetry(500, 32));
  const auto worker = Start("host", With({}));
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();
  Produce(Telemetry(10, 33));
  ASSERT_TRUE(broker().DeleteTopic(name()).ok());
  const auto start = steady_clock::now();

  const auto code = worker->WaitExit(seconds(30));

  EXPECT_EQ(code, 78) << worker->Output();
  EXPECT_LT(steady_clock::now() - start, seconds(20));
  const std::string reason = LastLine(*worker).value("reason", "");
  EXPECT_THAT(reason, HasSubstr("topic " + name()));
  EXPECT_THAT(reason, HasSubstr("deleted"));
  EXPECT_THAT(reason, HasSubstr("tacho offsets reset"));
}

// ---- The host's clock.

TEST_F(WayOutTest, AClockThatIsSetBackHoldsNothingUp) {
  Prepare("clock", 2);
  Produce(Telemetry(500, 34));
  const std::string clock = Path("clock");
  std::ofstream(clock) << "0";
  std::unique_ptr<TachoProcess> worker;
  {
    const Environment shim("LD_PRELOAD", TACHO_CLOCK_SHIM);
    const Environment offset("TACHO_TEST_CLOCK", clock);
    worker = Start("host", With({}));
  }
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();

  std::ofstream(clock) << "-1800";

  // Longer than the session: heartbeats go on, and so do commits.
  Produce(Telemetry(500, 35));
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();
  std::ofstream(clock) << "-3600";
  (void)Eventually([] { return false; }, seconds(7));
  EXPECT_EQ(worker->Events("partitions_revoked").size(), 0u);
  const auto start = steady_clock::now();
  worker->Signal(SIGTERM);
  EXPECT_EQ(ExpectEnds(*worker, start), 0) << worker->Output();
}

// ---- Signals and streams.

TEST_F(WayOutTest, AHangupIsSurvived) {
  Prepare("hangup", 1);
  const auto worker = Start("host", With({}));
  ASSERT_TRUE(worker->WaitFor("lane_ready")) << worker->Output();
  worker->Signal(SIGHUP);
  ASSERT_TRUE(worker->WaitFor("hangup_ignored")) << worker->Output();
  Produce(Telemetry(100, 36));
  ASSERT_TRUE(Eventually([&] { return AtEnd(); })) << worker->Output();
  worker->Signal(SIGTERM);
  EXPECT_EQ(worker->WaitExit(), 0) << worker->Output();
}

// A worker whose stderr is a pipe.
struct Piped {
  pid_t pid = -1;
  int log = -1;
};

Piped StartPiped(std::vector<std::string> arguments) {
  std::array<int, 2> ends{};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return {};
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(ends[1]);
  return {pid, ends[0]};
}

TEST_F(WayOutTest, AReaderOfTheLogThatGoesAwayEndsNothing) {
  Prepare("pipe", 1);
  const Piped worker =
      StartPiped({TACHO_BINARY, "run", job_path(), "--state-dir", Path("host"),
                  "--set", kOneSecond});
  ASSERT_GT(worker.pid, 0);
  char first = 0;
  ASSERT_EQ(read(worker.log, &first, 1), 1);  // As head -1 does.
  close(worker.log);

  Produce(Telemetry(100, 37));
  EXPECT_TRUE(Eventually([&] { return AtEnd(); }));
  kill(worker.pid, SIGTERM);
  int status = -1;
  EXPECT_TRUE(Eventually(
      [&] { return waitpid(worker.pid, &status, WNOHANG) == worker.pid; }));
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// ---- The same instance id twice.

TEST_F(WayOutTest, AnInstanceIdThatIsTakenEndsTheOlder) {
  Prepare("twice", 1);
  const Arguments member = With({"--set", "group.instance_id=pod-3"});
  const auto older = Start("older", member);
  ASSERT_TRUE(older->WaitFor("lane_ready")) << older->Output();
  const auto newer = Start("newer", member);

  EXPECT_EQ(older->WaitExit(), 78) << older->Output();
  const std::string reason = LastLine(*older).value("reason", "");
  EXPECT_THAT(reason, HasSubstr("another process"));
  EXPECT_THAT(reason, HasSubstr("pod-3"));
  ASSERT_TRUE(newer->WaitFor("lane_ready")) << newer->Output();
  newer->Signal(SIGTERM);
  EXPECT_EQ(newer->WaitExit(), 0) << newer->Output();
}

// Longer than the session: the broker has forgotten the member by then, or
// takes it for a stranger.
TEST_F(WayOutTest, AStaticMemberOutlivesAnOutage) {
  Prepare("outage", 2);
  const auto worker = Start("host", With({"--set", "group.instance_id=pod-0"}));
  ASSERT_TRUE(worker->WaitFor("lane_ready", 2)) << worker->Output();
  for (uint64_t i = 0; i < 2; ++i) {
    broker().Pause();
    (void)Eventually([] { return false; }, seconds(9));
    broker().Resume();
    Produce(Telemetry(200, 41 + i));
    ASSERT_TRUE(
        Eventually([&] { return AtEnd() || !worker->running(); }, seconds(60)));
    ASSERT_TRUE(worker->running()) << worker->Output();
  }
  worker->Signal(SIGTERM);
  EXPECT_EQ(worker->WaitExit(), 0) << worker->Output();
}

// ---- What it says of itself.

TEST_F(WayOutTest, TheLastLinesOfAWorkerThatIsBehindSaySo) {
  Prepare("behind", 2);
  Produce(Telemetry(40000, 38));
  std::unique_ptr<TachoProcess> worker;
  {
    const Environment armed("TACHO_FAIL_POINT", "commit.before_begin:5:term");
    // Not at the first: by then a broker may not have said yet where the other
    // partition ends, and lag is unknown.
    worker = Start("host", With({"--set", "commit.records=1000", "--set",
                                 "batch.max_records=100"}));
  }
  EXPECT_EQ(worker->WaitExit(), 0) << worker->Output();
  const auto totals = worker->Events("stopped_lanes");
  ASSERT_EQ(totals.size(), 1u);
  EXPECT_EQ(totals[0]["lanes"], 2);
  EXPECT_EQ(totals[0]["lag"].get<int64_t>(),
            40000 - totals[0]["messages"].get<int64_t>());
}

TEST_F(WayOutTest, AnOpenTransactionOnTheInputIsWaitedForAndNamed) {
  Prepare("held", 1);
  Produce(Telemetry(100, 39));
  auto transaction = OpenTransaction::Begin(broker().bootstrap(), "held-up");
  ASSERT_TRUE(transaction.ok()) << transaction.status().ToString();
  auto records = Telemetry(2, 40);
  for (KafkaRecord& record : records) record.partition = 0;
  ASSERT_TRUE((*transaction)->Produce(name(), records).ok());

  const auto short_of_patience =
      Start("one", With({"--until-end", "--broker-timeout", "2"}));
  EXPECT_EQ(short_of_patience->WaitExit(), 69) << short_of_patience->Output();
  const std::string reason = LastLine(*short_of_patience).value("reason", "");
  EXPECT_THAT(reason, HasSubstr("open transaction on held/0 at 100 of 102"));
  EXPECT_EQ(short_of_patience->Events("stopped_lanes")[0]["lag"], 2);

  const auto patient = Start("two", With({"--until-end"}));
  ASSERT_TRUE(patient->WaitFor("lane_ready")) << patient->Output();
  ASSERT_TRUE(Eventually([&] { return Committed()[0] == 100; }));
  EXPECT_TRUE(patient->running());
  ASSERT_TRUE((*transaction)->Commit().ok());
  EXPECT_EQ(patient->WaitExit(), 0) << patient->Output();
  EXPECT_EQ(patient->Events("stopped_lanes")[0]["lag"], 0);
}

}  // namespace
}  // namespace tacho
