#pragma once

#include <memory>
#include <string>

#include "pipeline/base/status.h"
#include "pipeline/job/job.h"
#include "pipeline/worker/worker.h"

namespace tacho {

// Makes a worker of a job on Kafka: the page that joins the stages.
// Errors, before anything runs: kInvalidArgument, kNotFound, kPermission,
// kIoError, kCorruption.
// Lifetime: `job` outlives the worker.
Result<std::unique_ptr<Worker>> MakeKafkaWorker(const Job& job,
                                                const WorkerOptions& options);

}  // namespace tacho
