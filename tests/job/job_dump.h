#pragma once

#include <string>

#include "pipeline/job/job.h"

namespace tacho {

// Every setting of a job as text, so that two jobs can be compared and a key
// that changes nothing is noticed.
std::string DumpJob(const Job& job);

}  // namespace tacho
