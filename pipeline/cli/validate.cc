#include <ostream>

#include "pipeline/base/printable.h"
#include "pipeline/cli/commands.h"
#include "pipeline/cli/exit_code.h"
#include "pipeline/cli/job_file.h"

namespace tacho {

int ValidateCommand(const ValidateOptions& options, std::ostream& out,
                    std::ostream& err) {
  int exit_code = kExitOk;
  for (const std::string& file : options.job_files) {
    const LoadedJob loaded = LoadJob(file, options.overrides, err);
    if (loaded.job) out << Printable(file) << ": ok\n";
    if (exit_code == kExitOk) exit_code = loaded.exit_code;
  }
  return exit_code;
}

}  // namespace tacho
