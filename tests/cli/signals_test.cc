// A reader of stderr that reads no more must not keep a process from being
// told to end.

#include "pipeline/cli/signals.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

#include "pipeline/cli/commands.h"
#include "tests/support/paths.h"

namespace tacho {
namespace {

using std::chrono::steady_clock;

// A pipe that takes nothing more; its ends, or -1 each.
std::array<int, 2> FullPipe() {
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) return ends;
  const std::string block(4096, 'x');
  while (write(ends[1], block.data(), block.size()) > 0) {
  }
  while (write(ends[1], block.data(), 1) > 0) {
  }
  fcntl(ends[1], F_SETFL, 0);
  return ends;
}

// A child that runs a job whose start line waits for a reader of `log`, with
// all signals held until its guard takes them.
pid_t StartRun(int log) {
  HoldSignals();
  const pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(log, STDERR_FILENO);
    RunOptions options;
    options.job_file = SourceDir() + "/config/jobs/telemetry-analytics.yaml";
    _exit(RunCommand(options));
  }
  AllowSignals();
  return child;
}

TEST(SignalsTest, AHangupUnderAFullPipeKeepsNoTerminationFromBeingSeen) {
  const std::array<int, 2> ends = FullPipe();
  ASSERT_NE(ends[0], -1);
  const pid_t child = StartRun(ends[1]);
  ASSERT_NE(child, -1);
  kill(child, SIGHUP);

  // The second one that is seen ends the process at once.
  const auto deadline = steady_clock::now() + std::chrono::seconds(4);
  int status = 0;
  pid_t ended = 0;
  while (ended == 0 && steady_clock::now() < deadline) {
    kill(child, SIGTERM);
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    ended = waitpid(child, &status, WNOHANG);
  }

  EXPECT_EQ(ended, child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 128 + SIGTERM);
  if (ended == 0) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace tacho
