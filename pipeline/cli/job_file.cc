#include "pipeline/cli/job_file.h"

#include <sys/prctl.h>

#include <algorithm>
#include <ostream>
#include <utility>

#include "pipeline/base/file.h"
#include "pipeline/base/printable.h"
#include "pipeline/cli/exit_code.h"
#include "pipeline/job/kafka_properties.h"

namespace tacho {
namespace {

bool HasSecrets(const Job& job) {
  return std::any_of(
      job.kafka.begin(), job.kafka.end(), [](const KafkaProperty& property) {
        const KafkaPropertyRule* const rule =
            FindKafkaPropertyRule(property.name);
        return property.source != KafkaProperty::Source::kText ||
               (rule != nullptr && rule->policy == KafkaPolicy::kSecret);
      });
}

// Passwords are in the client library's memory too: the core of a crash, or a
// debugger of the same user, would show them.
void ForbidCoreDumps() { (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

}  // namespace

LoadedJob LoadJob(const std::string& path, const JobOverrides& overrides,
                  std::ostream& err) {
  const Result<std::string> text = ReadFile(path);
  if (!text.ok()) {
    err << Printable(text.status().message()) << "\n";
    return {std::nullopt, ExitCodeFor(text.status())};
  }
  ParsedJob parsed = ParseJob(*text, overrides);
  err << FormatDiagnostics(path, parsed.errors);
  if (!parsed.ok()) return {std::nullopt, kExitConfiguration};
  if (HasSecrets(parsed.job)) ForbidCoreDumps();
  return {std::move(parsed.job), kExitOk};
}

}  // namespace tacho
