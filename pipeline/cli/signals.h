#pragma once

#include <functional>
#include <thread>

namespace tacho {

// SIGINT and SIGTERM while it lives: the first one calls `on_first`, the
// second one ends the process at once with 128 + its number.
//
// Threading: made in the main thread before any other thread is, so that every
// thread inherits the blocked signals; `on_first` runs on its own thread.
class SignalGuard {
 public:
  explicit SignalGuard(std::function<void()> on_first);
  ~SignalGuard();
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  std::jthread thread_;
};

}  // namespace tacho
