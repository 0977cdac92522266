#include <iostream>
#include <mutex>

#include "pipeline/base/log.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cli/exit_code.h"
#include "pipeline/cli/job_file.h"
#include "pipeline/cli/signals.h"
#include "pipeline/job/wiring.h"

namespace tacho {
namespace {

int Fail(const Status& status) {
  LOG(kError, "stopped",
      {{"code", StatusCodeName(status.code())}, {"reason", status.message()}});
  return ExitCodeFor(status);
}

}  // namespace

int RunCommand(const RunOptions& options) {
  InitLog(options.log.level, options.log.format);
  const LoadedJob loaded =
      LoadJob(options.job_file, options.overrides, std::cerr);
  if (!loaded.job.has_value()) return loaded.exit_code;

  // A signal may come before there is a worker to tell, and after.
  std::mutex mutex;
  Worker* running = nullptr;
  bool asked = false;
  const SignalGuard signals([&] {
    LOG(kInfo, "stopping", {{"reason", "signal"}});
    const std::lock_guard lock(mutex);
    asked = true;
    if (running != nullptr) running->Stop();
  });

  WorkerOptions worker_options;
  worker_options.threads = options.threads;
  worker_options.leave = options.leave;
  worker_options.until_end = options.until_end;
  worker_options.close_at_end = options.close_at_end;
  worker_options.broker_timeout =
      std::chrono::seconds(options.broker_timeout_seconds);
  auto worker = MakeKafkaWorker(*loaded.job, worker_options);
  if (!worker.ok()) return Fail(worker.status());
  {
    const std::lock_guard lock(mutex);
    running = worker->get();
    if (asked) running->Stop();
  }
  const Status status = (*worker)->Run();
  {
    const std::lock_guard lock(mutex);
    running = nullptr;
  }
  (*worker)->LogTotals("stopped_lanes");
  if (!status.ok()) return Fail(status);
  LOG(kInfo, "stopped", {{"code", "ok"}});
  return kExitOk;
}

}  // namespace tacho
