#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operators/registry.h"
#include "pipeline/job/job.h"

namespace tacho {

// One complaint about a job file, at a 1-based position (columns count
// characters, not bytes).
struct JobError {
  int line = 0;
  int column = 0;
  std::string message;
  bool warning = false;
  std::string override_path;  // Not empty: about `--set PATH=...`, no position.
};

struct JobOverrides {
  // `--set path=value`, applied in order before checking: dotted path
  // ("group.id", "streams.alerts.operators.0.filter"; all that follows
  // "kafka." is one property), and a value taken as text, but for one that
  // starts with [ or {, which is YAML.
  std::vector<std::pair<std::string, std::string>> set;
};

struct ParsedJob {
  Job job;                       // Meaningful only without errors.
  std::vector<JobError> errors;  // In file order, warnings included.
  bool ok() const;
};

// Parses and checks the text of a job file: every error at once, a YAML syntax
// error excepted. Pure: no file, no network, no environment. The operator
// types outlive the job.
ParsedJob ParseJob(
    std::string_view yaml, const JobOverrides& overrides = {},
    const std::vector<OperatorType>& operators = OperatorTypes());

// "file:line:col: error: message", one line an error; "--set path: error:
// message" for one in an override.
std::string FormatErrors(const std::string& file,
                         const std::vector<JobError>& errors);

// JSON Schema (draft 2020-12) of the job file, from the parser's own table.
std::string JobSchemaJson(
    const std::vector<OperatorType>& operators = OperatorTypes());

// The reference of every key as Markdown tables, from the same table.
std::string JobReferenceMarkdown(
    const std::vector<OperatorType>& operators = OperatorTypes());

}  // namespace tacho
