#pragma once

#include <functional>
#include <thread>

namespace tacho {

// What `run` and `demo` do about signals while it lives: the first SIGINT or
// SIGTERM calls `on_stop` with its number, the second one ends the process at
// once with 128 + its number. SIGHUP calls `on_hangup`. SIGPIPE is ignored: a
// reader of the log that goes away ends nothing. Signals stay held afterwards:
// the process is about to end.
//
// Threading: made in the main thread before any other thread is, so that every
// thread inherits the blocked signals; the callbacks run on its own thread, and
// while one of them waits no signal is seen: they log with LogOrSkip.
class SignalGuard {
 public:
  SignalGuard(std::function<void(int)> on_stop,
              std::function<void()> on_hangup);
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  std::jthread thread_;
};

// Holds SIGINT, SIGTERM and SIGHUP back until a SignalGuard takes them, or
// AllowSignals. Safe before anything of the process is initialized.
void HoldSignals();
// For commands that signals may simply end: what has come meanwhile does so.
void AllowSignals();

// Descriptors 0 to 2 that the process was started without are /dev/null:
// otherwise the next file that is opened would be written into as stderr.
void KeepStandardStreams();

}  // namespace tacho
