#include "pipeline/base/exit_watchdog.h"

#include <algorithm>
#include <utility>

namespace tacho {

ExitWatchdog& ExitWatchdog::Process() {
  static auto* const process = new ExitWatchdog;  // Outlives every static.
  return *process;
}

ExitWatchdog::~ExitWatchdog() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
    wake_.NotifyAll();
  }
  if (thread_.joinable()) thread_.join();
}

void ExitWatchdog::Arm(OnOverdue on_overdue) {
  const MutexLock lock(mutex_);
  on_overdue_ = std::move(on_overdue);
  if (!thread_.joinable()) thread_ = std::thread([this] { Run(); });
}

void ExitWatchdog::Begin(Millis total) {
  const MutexLock lock(mutex_);
  if (begun_.has_value()) return;
  begun_ = std::chrono::steady_clock::now();
  end_ = *begun_ + total;
  wake_.NotifyAll();
}

void ExitWatchdog::SetOutcome(const Status& outcome) {
  const MutexLock lock(mutex_);
  outcome_ = outcome;
}

ExitWatchdog::Steps::iterator ExitWatchdog::Open(std::string call,
                                                 Millis limit) {
  const MutexLock lock(mutex_);
  steps_.push_back({std::move(call), limit, std::chrono::steady_clock::now()});
  if (begun_.has_value()) wake_.NotifyAll();
  return std::prev(steps_.end());
}

void ExitWatchdog::Close(Steps::iterator step) {
  const MutexLock lock(mutex_);
  steps_.erase(step);
}

void ExitWatchdog::Run() {
  MutexLock lock(mutex_);
  while (!stop_) {
    if (!begun_.has_value()) {
      wake_.Wait(mutex_);
      continue;
    }
    const auto [due, step] = Next();
    const SteadyTime now = std::chrono::steady_clock::now();
    if (now < due) {
      (void)wake_.WaitUntil(mutex_, due);
      continue;
    }
    const Overdue overdue = Describe(step, now);
    const OnOverdue on_overdue = on_overdue_;
    lock.Unlock();
    on_overdue(overdue);
    return;
  }
}

std::pair<ExitWatchdog::SteadyTime, const ExitWatchdog::Step*>
ExitWatchdog::Next() const {
  std::pair<SteadyTime, const Step*> next{end_, nullptr};
  for (const Step& step : steps_) {
    if (step.limit < Millis(0)) continue;
    const SteadyTime due = std::max(step.since, *begun_) + step.limit;
    if (due < next.first) next = {due, &step};
  }
  return next;
}

Millis ExitWatchdog::Waited(const Step& step, SteadyTime now) const {
  return std::chrono::duration_cast<Millis>(now -
                                            std::max(step.since, *begun_));
}

ExitWatchdog::Overdue ExitWatchdog::Describe(const Step* step,
                                             SteadyTime now) const {
  Overdue overdue;
  if (step == nullptr && !steps_.empty()) step = &steps_.back();
  if (step != nullptr) {
    overdue.call = step->call;
    overdue.waited = Waited(*step, now);
  } else {
    overdue.call = "end the process";
    overdue.waited = std::chrono::duration_cast<Millis>(now - *begun_);
  }
  for (const Step& open : steps_) {
    if (!overdue.open.empty()) overdue.open += ", ";
    overdue.open +=
        open.call + " (" + std::to_string(Waited(open, now).count()) + " ms)";
  }
  overdue.outcome = outcome_;
  return overdue;
}

}  // namespace tacho
