#pragma once

#include "pipeline/base/diagnostics.h"
#include "pipeline/job/job.h"

namespace tacho {

// Checks what takes more than one key of a job to see: timeouts against each
// other, topics against each other, names that invite accidents. Settles the
// defaults that depend on other keys.
void CheckJob(const OriginIndex& origins, Job& job, Diagnostics& diagnostics);

}  // namespace tacho
