#include "pipeline/lane/tbb_version.h"

#include <oneapi/tbb/version.h>

namespace tacho {

std::string TbbVersion() { return TBB_runtime_version(); }

}  // namespace tacho
