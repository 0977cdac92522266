#include "pipeline/job/job_parser.h"

#include <optional>
#include <utility>

#include "pipeline/job/complaints.h"
#include "pipeline/job/job_checks.h"
#include "pipeline/job/job_keys.h"
#include "pipeline/job/job_reader.h"
#include "pipeline/job/operator_reader.h"
#include "pipeline/job/overrides.h"
#include "pipeline/job/yaml_source.h"
#include "pipeline/job/yaml_tree.h"

namespace tacho {
namespace {

SignalSchema SchemaOf(const DecoderConfig& decode) {
  std::vector<Signal> signals;
  for (const SignalSource& source : decode.signals) {
    signals.push_back(source.signal);
  }
  return SignalSchema(std::move(signals));
}

}  // namespace

bool ParsedJob::ok() const {
  for (const JobError& error : errors) {
    if (!error.warning) return false;
  }
  return true;
}

ParsedJob ParseJob(std::string_view yaml, const JobOverrides& overrides,
                   const std::vector<OperatorType>& operators) {
  ParsedJob parsed;
  Complaints complaints(overrides);
  const YamlSource source(yaml);
  std::optional<YamlNode> root = LoadYaml(source, complaints);
  if (root) {
    ApplyOverrides(overrides, *root, complaints);
    JobDraft draft;
    JobReader reader(complaints, draft);
    reader.Read(*root);
    Job& job = draft.job;
    job.schema = SchemaOf(job.decode);
    OperatorReader operator_reader(operators, source, job.schema, job.time,
                                   complaints);
    for (size_t i = 0; i < job.streams.size(); ++i) {
      if (reader.operators()[i] == nullptr) continue;
      StreamConfig& stream = job.streams[i];
      stream.operators = operator_reader.Read(
          "streams." + stream.name + ".operators", *reader.operators()[i]);
    }
    CheckJob(reader.origins(), job, complaints);
    parsed.job = std::move(job);
  }
  parsed.errors = complaints.TakeSorted();
  return parsed;
}

std::string FormatErrors(const std::string& file,
                         const std::vector<JobError>& errors) {
  std::string text;
  for (const JobError& error : errors) {
    text += error.override_path.empty()
                ? file + ":" + std::to_string(error.line) + ":" +
                      std::to_string(error.column)
                : "--set " + error.override_path;
    text += error.warning ? ": warning: " : ": error: ";
    text += error.message + "\n";
  }
  return text;
}

}  // namespace tacho
