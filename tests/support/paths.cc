#include "tests/support/paths.h"

namespace tacho {

std::string SourceDir() { return TACHO_SOURCE_DIR; }

}  // namespace tacho
