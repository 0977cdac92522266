#pragma once

#include <string>

#include "pipeline/base/diagnostics.h"
#include "pipeline/job/file/job_keys.h"

namespace tacho {

// A signal of that name is read from here on.
void BeginSignal(JobDraft& draft, const std::string& name);

// Settles what a signal's keys mean together, once all are read: bounds are
// converted to the dimension's unit, and keys that its type does not have are
// refused. `path` is the signal's, "input.signals.speed".
void EndSignal(JobDraft& draft, const std::string& path,
               const OriginIndex& origins, Diagnostics& diagnostics);

}  // namespace tacho
