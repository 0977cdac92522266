#pragma once

#include "pipeline/cli/commands.h"
#include "pipeline/job/job.h"

namespace tacho {

// The first line of a worker: what runs, as whom, on what, within what limits.
void LogStart(const Job& job, const RunOptions& options);

}  // namespace tacho
