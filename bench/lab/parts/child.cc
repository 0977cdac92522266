#include "bench/lab/parts/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>
#include <utility>

#include "pipeline/base/check.h"
#include "pipeline/base/iso8601.h"

namespace tacho::lab {
namespace {

constexpr std::chrono::milliseconds kPoll{10};

double Seconds(const timeval& t) {
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
}

}  // namespace

Child::Child(std::vector<std::string> argv, std::string log)
    : log_(std::move(log)), name_(argv[0]) {
  std::vector<char*> args;
  for (std::string& a : argv) args.push_back(a.data());
  args.push_back(nullptr);
  const int fd =
      open(log_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  CHECK(fd >= 0);
  pid_ = fork();
  CHECK(pid_ >= 0);
  if (pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execv(args[0], args.data());
    _exit(127);
  }
  close(fd);
}

Child::~Child() {
  if (pid_ < 0) return;
  Signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Child::Signal(int number) const {
  if (pid_ > 0) kill(pid_, number);
}

Usage Child::Wait() {
  CHECK(pid_ > 0);
  int status = 0;
  rusage usage{};
  CHECK(wait4(pid_, &status, 0, &usage) == pid_);
  pid_ = -1;
  return {Seconds(usage.ru_utime) + Seconds(usage.ru_stime),
          static_cast<double>(usage.ru_maxrss) / 1024,
          WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)};
}

Usage Child::WaitOk() {
  const Usage usage = Wait();
  if (usage.exit_code != 0) Fail("exit " + std::to_string(usage.exit_code));
  return usage;
}

void Child::Fail(const std::string& why) const {
  std::fprintf(stderr, "lab: %s: %s; its output:\n", name_.c_str(),
               why.c_str());
  std::ifstream in(log_);
  std::string line;
  while (std::getline(in, line)) std::fprintf(stderr, "  %s\n", line.c_str());
  std::exit(1);
}

std::vector<Child::Event> Child::Events(const std::string& name) const {
  std::vector<Event> events;
  std::ifstream in(log_);
  std::string line;
  while (std::getline(in, line)) {
    if (line.find(name) == std::string::npos) continue;
    Event event = Event::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!event.is_object()) continue;
    if (!name.empty() && event.value("event", "") != name) continue;
    events.push_back(std::move(event));
  }
  return events;
}

void Child::Await(const std::string& name, size_t count,
                  std::chrono::seconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (Events(name).size() < count) {
    if (std::chrono::steady_clock::now() > deadline) Fail("no " + name);
    std::this_thread::sleep_for(kPoll);
  }
}

double Child::Last(const std::string& event, const std::string& field) const {
  const std::vector<Event> events = Events(event);
  return events.empty() ? 0 : events.back().value(field, 0.0);
}

int64_t TimeOf(const Child::Event& event) {
  Timestamp time;
  CHECK(!ParseIso8601(event.value("time", ""), time).has_value());
  return ToEpochMillis(time);
}

int64_t NowMs() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace tacho::lab
