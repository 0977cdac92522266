#include "tests/support/tacho_process.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <thread>
#include <utility>

#include "pipeline/base/check.h"
#include "pipeline/base/file.h"

namespace tacho {
namespace {

constexpr auto kPoll = std::chrono::milliseconds(20);

}  // namespace

bool Eventually(const std::function<bool()>& done,
                std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (!done()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(kPoll);
  }
  return true;
}

TachoProcess::TachoProcess(const std::vector<std::string>& arguments,
                           std::string log_path, const std::string& cgroup)
    : log_path_(std::move(log_path)) {
  std::vector<std::string> all = {TACHO_BINARY};
  all.insert(all.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& argument : all) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int log =
      open(log_path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  CHECK(log >= 0);
  pid_ = fork();
  CHECK(pid_ >= 0);
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (!cgroup.empty()) {
      const int procs = open(cgroup.c_str(), O_WRONLY | O_CLOEXEC);
      if (procs < 0 || write(procs, "0", 1) != 1) _exit(126);
    }
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execv(argv[0], argv.data());
    _exit(127);
  }
  close(log);
}

TachoProcess::~TachoProcess() { Kill(); }

void TachoProcess::Signal(int number) const {
  if (pid_ > 0) kill(pid_, number);
}

void TachoProcess::Kill() {
  Signal(SIGKILL);
  Reap(0);
}

bool TachoProcess::running() { return !Reap(WNOHANG); }

bool TachoProcess::Reap(int flags) {
  if (pid_ < 0) return true;
  int status = 0;
  if (waitpid(pid_, &status, flags) != pid_) return false;
  pid_ = -1;
  exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return true;
}

uint64_t TachoProcess::PeakResident() const {
  std::ifstream in("/proc/" + std::to_string(pid_) + "/status");
  std::string word;
  uint64_t kilobytes = 0;
  while (in >> word) {
    if (word == "VmHWM:" && in >> kilobytes) return kilobytes * 1024;
  }
  return 0;
}

std::optional<int> TachoProcess::WaitExit(std::chrono::milliseconds timeout) {
  if (!Eventually([this] { return !running(); }, timeout)) return std::nullopt;
  return exit_code_;
}

std::string TachoProcess::Output() const {
  const Result<std::string> log = ReadFile(log_path_, SIZE_MAX);
  return log.ok() ? *log : "";
}

std::vector<TachoProcess::Event> TachoProcess::Events(
    const std::string& name) const {
  std::vector<Event> events;
  std::istringstream lines(Output());
  for (std::string line; std::getline(lines, line);) {
    Event event = Event::parse(line, nullptr, /*allow_exceptions=*/false);
    if (event.is_object() && event.value("event", "") == name) {
      events.push_back(std::move(event));
    }
  }
  return events;
}

int64_t TachoProcess::Sum(const std::string& event,
                          const std::string& field) const {
  int64_t sum = 0;
  for (const Event& e : Events(event)) sum += e.value(field, int64_t{0});
  return sum;
}

bool TachoProcess::WaitFor(const std::string& name, size_t count,
                           std::chrono::milliseconds timeout) {
  return Eventually([&] { return Events(name).size() >= count || !running(); },
                    timeout) &&
         Events(name).size() >= count;
}

}  // namespace tacho
