#pragma once

#include <iosfwd>
#include <optional>
#include <string>

#include "pipeline/job/job_parser.h"

namespace tacho {

// A job file, read and checked. What is wrong with it is written to `err`,
// warnings too; with an error there is no job, and `exit_code` says why. A job
// with secrets forbids core dumps of the process (PR_SET_DUMPABLE).
struct LoadedJob {
  std::optional<Job> job;
  int exit_code = 0;
};
LoadedJob LoadJob(const std::string& path, const JobOverrides& overrides,
                  std::ostream& err);

}  // namespace tacho
