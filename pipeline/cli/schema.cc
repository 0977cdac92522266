#include <ostream>

#include "pipeline/cli/commands.h"
#include "pipeline/cli/exit_code.h"
#include "pipeline/job/job_parser.h"

namespace tacho {

int SchemaCommand(const SchemaOptions& options, std::ostream& out) {
  out << (options.markdown ? JobReferenceMarkdown() : JobSchemaJson());
  return kExitOk;
}

}  // namespace tacho
