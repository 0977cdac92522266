#pragma once

#include <cstddef>

#include "pipeline/job/job.h"

namespace tacho {

// The greatest messages that a job can write under its limits, as a topic
// counts them (key, value, headers and framing). Texts and ids are measured as
// JSON writes them where they are accepted, so none of these can be passed; a
// topic that takes them takes everything. A reject or a late record has at
// most Job::reject_bytes.
//
// A result of `stream`.
size_t MaxResultBytes(const Job& job, const StreamConfig& stream);
// A change of state, of any operator.
size_t MaxStateBytes(const Job& job);

}  // namespace tacho
