#pragma once

#include <optional>
#include <vector>

#include "operators/row_schema.h"
#include "pipeline/job/job.h"

namespace tacho {

// What the stream's first operator reads: the job's signals, or the results of
// `from`; nothing if these cannot be made. REQUIRES: no circle (StreamOrder).
std::optional<SignalSchema> InputOf(const Job& job, const StreamConfig& stream);

// The rows that each operator of a stream makes, in order; empty for one that
// only narrows the selection. Nothing if they cannot be made.
std::vector<RowSchema> RowsOf(const Job& job, const StreamConfig& stream);

// What the stream's results are made of, in the units that its output asks
// for; nothing if its operators cannot be made.
RowSchema ResultSchema(const Job& job, const StreamConfig& stream);

}  // namespace tacho
