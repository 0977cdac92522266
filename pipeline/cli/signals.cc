#include "pipeline/cli/signals.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <utility>

namespace tacho {
namespace {

sigset_t HeldSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  return set;
}

}  // namespace

SignalGuard::SignalGuard(std::function<void(int)> on_stop,
                         std::function<void()> on_hangup) {
  HoldSignals();
  signal(SIGPIPE, SIG_IGN);
  thread_ = std::jthread(
      [on_stop = std::move(on_stop),
       on_hangup = std::move(on_hangup)](const std::stop_token& stop) {
        const sigset_t set = HeldSignals();
        bool asked = false;
        while (!stop.stop_requested()) {
          // Looks up now and then to see whether the guard is going.
          const timespec timeout{0, 100'000'000};
          const int number = sigtimedwait(&set, nullptr, &timeout);
          if (number <= 0) continue;
          if (number == SIGHUP) {
            on_hangup();
            continue;
          }
          if (asked) _exit(128 + number);
          asked = true;
          on_stop(number);
        }
      });
}

SignalGuard::~SignalGuard() {
  thread_.request_stop();
  thread_.join();
}

void HoldSignals() {
  const sigset_t set = HeldSignals();
  sigprocmask(SIG_BLOCK, &set, nullptr);
}

void AllowSignals() {
  const sigset_t set = HeldSignals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

void KeepStandardStreams() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    // The lowest free number is what open gives.
    if (fcntl(fd, F_GETFD) == -1) (void)!open("/dev/null", O_RDWR);
  }
}

}  // namespace tacho
