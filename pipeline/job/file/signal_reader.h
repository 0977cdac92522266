#pragma once

#include <string>

#include "pipeline/base/diagnostics.h"
#include "pipeline/job/file/job_keys.h"

namespace tacho {

// Settles what a signal's keys mean together, once all are read: bounds are
// converted to the dimension's unit, and keys that its type does not have are
// refused. `path` is the signal's, "input.signals.speed".
void FinishSignal(const std::string& path, const OriginIndex& origins,
                  JobDraft& draft, Diagnostics& diagnostics);

}  // namespace tacho
