#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <iostream>
#include <memory>

#include "pipeline/base/exit_watchdog.h"
#include "pipeline/base/last_line.h"
#include "pipeline/base/log.h"
#include "pipeline/base/mutex.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cli/exit_code.h"
#include "pipeline/cli/job_file.h"
#include "pipeline/cli/signals.h"
#include "pipeline/cli/start_line.h"
#include "pipeline/job/kafka_properties.h"
#include "pipeline/kafka/kafka_connection.h"
#include "pipeline/worker/wiring.h"

namespace tacho {
namespace {

constexpr Millis kConnectionTimeout{2000};

// Why the brokers are away, if that can still be found out.
Status WithCause(const Status& status, const Job& job) {
  if (status.code() != StatusCode::kUnavailable) return status;
  // A start has asked already.
  if (status.message().find("kafka.bootstrap.servers") != std::string::npos) {
    return status;
  }
  const auto properties = ResolveKafkaProperties(job.kafka);
  if (!properties.ok()) return status;
  const Status cause = CheckKafkaConnection(*properties, kConnectionTimeout);
  if (cause.ok()) return status;
  return {cause.code(), status.message() + "; " + cause.message()};
}

int Fail(const Status& status) {
  LOG(kError, "stopped",
      {{"code", StatusCodeName(status.code())}, {"reason", status.message()}});
  return ExitCodeFor(status);
}

// From the first signal on the way out has its limits, whatever the process is
// doing; the worker, once there is one, is told to stop.
class StopSignal {
 public:
  StopSignal() {
    ExitWatchdog::Process().Arm(
        [this](const ExitWatchdog::Overdue& overdue) { EndHard(overdue); });
  }

  void OnStop(int number) {
    number_ = number;
    ExitWatchdog::Process().Begin(total_);
    {
      const MutexLock lock(mutex_);
      if (running_ != nullptr) running_->Stop();
    }
    // Nobody may read stderr any more, and a second signal is to be seen.
    LogOrSkip(LogLevel::kInfo, "stopping",
              {{"reason", number == SIGINT ? "SIGINT" : "SIGTERM"}});
  }

  void SetTotal(Millis total) { total_ = total; }
  void SetWorker(Worker* worker) {
    const MutexLock lock(mutex_);
    running_ = worker;
    if (worker != nullptr && number_ != 0) worker->Stop();
  }

 private:
  [[noreturn]] void EndHard(const ExitWatchdog::Overdue& overdue) const {
    const std::string hard = "ended hard: " + overdue.call +
                             " did not return within " +
                             std::to_string(overdue.waited.count()) + " ms";
    // Before the work has ended: by a signal, or at the ends of the topics.
    const int number = number_;
    const Status outcome = overdue.outcome.value_or(
        number != 0 ? Status(StatusCode::kCancelled, "told to stop")
                    : Status(StatusCode::kInternal, "at the end of the run"));
    const bool by_signal = !overdue.outcome.has_value() && number != 0;
    const int code = by_signal ? 128 + number : ExitCodeFor(outcome);
    LogLast(outcome.ok() ? LogLevel::kWarn : LogLevel::kError, "stopped",
            {{"code", StatusCodeName(outcome.code())},
             {"reason", outcome.ok() ? hard : outcome.message() + "; " + hard},
             {"open", overdue.open}});
    _exit(code);
  }

  std::atomic<int> number_{0};
  std::atomic<Millis> total_{kExitGrace};
  Mutex mutex_;
  Worker* running_ GUARDED_BY(mutex_) = nullptr;
};

Status RunJob(const Job& job, const RunOptions& options, StopSignal& stop) {
  WorkerOptions worker_options;
  worker_options.threads = options.threads;
  worker_options.leave = options.leave;
  worker_options.until_end = options.until_end;
  worker_options.close_at_end = options.close_at_end;
  worker_options.broker_timeout =
      std::chrono::seconds(options.broker_timeout_seconds);
  ASSIGN_OR_RETURN(std::unique_ptr<Worker> worker,
                   MakeKafkaWorker(job, worker_options));
  stop.SetWorker(worker.get());
  const Status status = worker->Run();
  stop.SetWorker(nullptr);
  worker->LogTotals("stopped_lanes");
  const ExitStep step("destroy the worker");
  worker.reset();
  return status;
}

}  // namespace

int RunCommand(const RunOptions& options) {
  InitLog(options.log.level, options.log.format);
  // Never destroyed: the watchdog looks at it until the process has ended.
  auto& stop = *new StopSignal;
  const SignalGuard signals(
      [&stop](int number) { stop.OnStop(number); },
      [] {
        LogOrSkip(
            LogLevel::kWarn, "hangup_ignored",
            {{"reason",
              "SIGHUP: a running worker does not read its job again; restart "
              "it to change its job"}});
      });
  const LoadedJob loaded =
      LoadJob(options.job_file, options.overrides, std::cerr);
  if (!loaded.job.has_value()) return loaded.exit_code;
  LogStart(*loaded.job, options);
  stop.SetTotal(loaded.job->revoke_timeout + kExitGrace);

  const Status status = RunJob(*loaded.job, options, stop);
  if (!status.ok()) return Fail(WithCause(status, *loaded.job));
  LOG(kInfo, "stopped", {{"code", "ok"}});
  return kExitOk;
}

}  // namespace tacho
