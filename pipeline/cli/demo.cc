#include <atomic>
#include <filesystem>
#include <iostream>
#include <string>

#include "pipeline/base/log.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cli/exit_code.h"
#include "pipeline/cli/signals.h"
#include "pipeline/demo/demo.h"

namespace tacho {

int DemoCommand(const DemoOptions& options) {
  InitLog(options.log.level, options.log.format);
  std::atomic<bool> stop{false};
  const SignalGuard signals([&](int) { stop = true; }, [&] { stop = true; });

  DemoConfig config;
  config.jobs = options.job_files;
  if (config.jobs.empty()) {
    config.jobs = {"config/jobs/telemetry-analytics.yaml",
                   "config/jobs/vehicle-alert-processor.yaml"};
    for (const std::string& path : config.jobs) {
      if (std::filesystem::exists(path)) continue;
      std::cerr << "tacho demo: the shipped jobs (" << path
                << ") are not here; run it in tacho's repository, as ./run "
                   "demo does, or name a job with --job JOB.yaml\n";
      return kExitUsage;
    }
  }
  config.duration_seconds = static_cast<int>(options.duration.count());
  config.input = options.input;
  config.seed = options.seed;
  config.vehicles = options.vehicles;
  config.rate = options.rate;
  const Status status = RunDemo(config, stop);
  if (status.ok()) return kExitOk;
  LOG(kError, "stopped",
      {{"code", StatusCodeName(status.code())}, {"reason", status.message()}});
  return ExitCodeFor(status);
}

}  // namespace tacho
