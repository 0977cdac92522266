#include "pipeline/job/job_parser.h"

#include <optional>
#include <utility>

#include "pipeline/job/file/job_digest.h"
#include "pipeline/job/file/job_keys.h"
#include "pipeline/job/file/job_reader.h"
#include "pipeline/job/file/operator_reader.h"
#include "pipeline/job/file/overrides.h"
#include "pipeline/job/file/yaml_source.h"
#include "pipeline/job/file/yaml_tree.h"
#include "pipeline/job/job_checks.h"
#include "pipeline/job/result_schema.h"
#include "pipeline/job/stream_order.h"

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
  for (const Diagnostic& error : errors) {
    if (!error.warning) return false;
  }
  return true;
}

ParsedJob ParseJob(std::string_view yaml, const JobOverrides& overrides,
                   const std::vector<OperatorType>& operators) {
  ParsedJob parsed;
  std::vector<std::string> paths;
  for (const auto& [path, value] : overrides.set) paths.push_back(path);
  Diagnostics diagnostics(std::move(paths));
  const YamlSource source(yaml);
  std::optional<YamlNode> root = LoadYaml(source, diagnostics);
  if (root) {
    ApplyOverrides(overrides, *root, diagnostics);
    JobDraft draft;
    JobReader reader(diagnostics, draft);
    reader.Read(*root);
    Job& job = draft.job;
    job.digest = JobDigest(*root);
    job.schema = SchemaOf(job.decode);
    OperatorReader operator_reader(operators, source, job.time, diagnostics);
    for (const size_t i : StreamOrder(job)) {
      if (reader.operators()[i] == nullptr) continue;
      StreamConfig& stream = job.streams[i];
      stream.operators =
          operator_reader.Read("streams." + stream.name + ".operators",
                               *reader.operators()[i], InputOf(job, stream));
    }
    CheckFrom(reader.origins(), job, diagnostics);
    CheckJob(reader.origins(), job, diagnostics);
    parsed.job = std::move(job);
  }
  parsed.errors = diagnostics.TakeSorted();
  return parsed;
}

}  // namespace tacho
