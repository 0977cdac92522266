#include "pipeline/cli/job_file.h"

#include <sys/prctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <ostream>
#include <utility>

#include "pipeline/base/printable.h"
#include "pipeline/cli/exit_code.h"
#include "pipeline/job/kafka_properties.h"

namespace tacho {
namespace {

// More than the parser takes, so that it is the one to say so.
constexpr size_t kMaxReadBytes = size_t{2} << 20;

Status CannotRead(const std::string& path, int error) {
  const StatusCode code = error == ENOENT   ? StatusCode::kNotFound
                          : error == EACCES ? StatusCode::kPermission
                                            : StatusCode::kIoError;
  return {code, path + ": " + std::strerror(error)};
}

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

Result<std::string> ReadJobFile(const std::string& path) {
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored)) {
    return CannotRead(path, EISDIR);
  }
  std::ifstream in(path, std::ios::binary);
  if (!in) return CannotRead(path, errno);
  std::string text(kMaxReadBytes, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (in.bad()) return CannotRead(path, EIO);
  text.resize(static_cast<size_t>(in.gcount()));
  return text;
}

LoadedJob LoadJob(const std::string& path, const JobOverrides& overrides,
                  std::ostream& err) {
  const Result<std::string> text = ReadJobFile(path);
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
