#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <optional>
#include <string>
#include <thread>

#include "pipeline/base/mutex.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"

namespace tacho {

// What the way out may take in all, beyond the job's revoke_timeout.
constexpr Millis kExitGrace{9000};

// Owns one rule: a process that is told to end, ends. From Begin on, each open
// ExitStep has its own limit and all of them together have `total`; the first
// limit that is passed calls `on_overdue`, which ends the process with what it
// is given. Before Begin nothing is ever overdue.
//
// All limits are on monotonic time: the host's clock moves none of them.
//
// Threading: any thread; `on_overdue` is called on the watchdog's own thread,
// once. It must not take a lock that a hung call may hold.
// Lifetime: Process() is never destroyed, so it also guards static destructors.
class ExitWatchdog {
 public:
  struct Overdue {
    std::string call;  // The step whose limit has passed, or the newest one.
    Millis waited{0};  // That it has been open since Begin.
    std::string open;  // All open steps: "close the lanes (2100 ms), …".
    // How the work ended; none: that was not known yet.
    std::optional<Status> outcome;
  };
  using OnOverdue = std::function<void(const Overdue&)>;

  ExitWatchdog() = default;
  ~ExitWatchdog();
  ExitWatchdog(const ExitWatchdog&) = delete;
  ExitWatchdog& operator=(const ExitWatchdog&) = delete;

  // The one that steps belong to unless they say otherwise.
  static ExitWatchdog& Process();

  // Starts the thread. Without it no limit holds (tests, short commands).
  void Arm(OnOverdue on_overdue);
  // The way out begins; the first call counts.
  void Begin(Millis total);
  // The last one counts.
  void SetOutcome(const Status& outcome);

 private:
  friend class ExitStep;
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Step {
    std::string call;
    Millis limit;
    SteadyTime since;
  };
  using Steps = std::list<Step>;

  Steps::iterator Open(std::string call, Millis limit);
  void Close(Steps::iterator step);
  void Run();
  // When the next limit passes, and of which step (none: of them all).
  std::pair<SteadyTime, const Step*> Next() const REQUIRES(mutex_);
  Overdue Describe(const Step* step, SteadyTime now) const REQUIRES(mutex_);
  Millis Waited(const Step& step, SteadyTime now) const REQUIRES(mutex_);

  mutable Mutex mutex_;
  CondVar wake_;
  OnOverdue on_overdue_ GUARDED_BY(mutex_);
  Steps steps_ GUARDED_BY(mutex_);
  std::optional<SteadyTime> begun_ GUARDED_BY(mutex_);
  SteadyTime end_ GUARDED_BY(mutex_){};  // By `total`.
  std::optional<Status> outcome_ GUARDED_BY(mutex_);
  bool stop_ GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

// A call that may not return, for as long as it is in scope:
//
//   const ExitStep step("close the consumer", Millis(5000));
//
// kWholeWay: no limit of its own, but named when the total has passed.
class ExitStep {
 public:
  static constexpr Millis kWholeWay{-1};

  explicit ExitStep(std::string call, Millis limit = kWholeWay,
                    ExitWatchdog& watchdog = ExitWatchdog::Process())
      : watchdog_(watchdog), step_(watchdog.Open(std::move(call), limit)) {}
  ~ExitStep() { watchdog_.Close(step_); }
  ExitStep(const ExitStep&) = delete;
  ExitStep& operator=(const ExitStep&) = delete;

 private:
  ExitWatchdog& watchdog_;
  const ExitWatchdog::Steps::iterator step_;
};

}  // namespace tacho
