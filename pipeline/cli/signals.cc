#include "pipeline/cli/signals.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <utility>

namespace tacho {
namespace {

sigset_t StopSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  return set;
}

}  // namespace

SignalGuard::SignalGuard(std::function<void()> on_first) {
  const sigset_t blocked = StopSignals();
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  thread_ = std::jthread(
      [on_first = std::move(on_first)](const std::stop_token& stop) {
        const sigset_t set = StopSignals();
        bool asked = false;
        while (!stop.stop_requested()) {
          // Looks up now and then to see whether the guard is going.
          const timespec timeout{0, 100'000'000};
          const int number = sigtimedwait(&set, nullptr, &timeout);
          if (number <= 0) continue;
          if (asked) _exit(128 + number);
          asked = true;
          on_first();
        }
      });
}

SignalGuard::~SignalGuard() {
  thread_.request_stop();
  thread_.join();
  const sigset_t blocked = StopSignals();
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
}

}  // namespace tacho
