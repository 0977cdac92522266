#include <ostream>

#include "pipeline/cli/commands.h"
#include "pipeline/cli/exit_code.h"
#include "pipeline/cli/job_file.h"
#include "pipeline/job/print/job_reference.h"
#include "pipeline/job/print/job_schema.h"
#include "pipeline/job/print/output_schema.h"

namespace tacho {

int SchemaCommand(const SchemaOptions& options, std::ostream& out,
                  std::ostream& err) {
  if (!options.outputs.empty()) {
    const LoadedJob loaded = LoadJob(options.outputs, {}, err);
    if (loaded.job) out << OutputSchemaJson(*loaded.job);
    return loaded.exit_code;
  }
  out << (options.markdown ? JobReferenceMarkdown() : JobSchemaJson());
  return kExitOk;
}

}  // namespace tacho
