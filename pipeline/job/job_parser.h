#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/job/job.h"

namespace tacho {

// One complaint about a job file, at a 1-based position (0: the whole file).
struct JobError {
  int line = 0;
  int column = 0;
  std::string message;
  bool warning = false;
};

struct JobOverrides {
  // `--set path=value`, applied in order before checking: dotted path, YAML
  // scalar ("group.id", "test").
  std::vector<std::pair<std::string, std::string>> set;
};

struct ParsedJob {
  Job job;                       // Meaningful only without errors.
  std::vector<JobError> errors;  // In file order, warnings included.
  bool ok() const;
};

// Parses and checks the text of a job file: every error at once, a YAML syntax
// error excepted. Pure: no file, no network.
ParsedJob ParseJob(std::string_view yaml, const JobOverrides& overrides = {});

// "file:line:col: error: message", one line an error.
std::string FormatErrors(const std::string& file,
                         const std::vector<JobError>& errors);

// JSON Schema (draft 2020-12) of the job file, from the parser's own table.
std::string JobSchemaJson();

}  // namespace tacho
