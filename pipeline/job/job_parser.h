#pragma once

#include <string_view>
#include <vector>

#include "operators/registry.h"
#include "pipeline/base/diagnostics.h"
#include "pipeline/job/job.h"
#include "pipeline/job/job_overrides.h"

namespace tacho {

struct ParsedJob {
  Job job;                         // Meaningful only without errors.
  std::vector<Diagnostic> errors;  // In file order, warnings included.
  bool ok() const;
};

// Parses and checks the text of a job file: every error at once, a YAML syntax
// error excepted. Pure: no file, no network, no environment. The operator
// types outlive the job.
ParsedJob ParseJob(
    std::string_view yaml, const JobOverrides& overrides = {},
    const std::vector<OperatorType>& operators = OperatorTypes());

}  // namespace tacho
