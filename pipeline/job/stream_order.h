#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "pipeline/base/diagnostics.h"
#include "pipeline/job/job.h"

namespace tacho {

// The stream of that name, by its place in the job.
std::optional<size_t> FindStream(const Job& job, std::string_view name);

// The streams in the order in which they run: a stream after the one that it
// reads, otherwise as the job has them. Streams whose `from` leads to no
// records (an unknown name, a circle) are not among them.
std::vector<size_t> StreamOrder(const Job& job);

// Says of each such stream what is wrong, where `from` is written.
void CheckFrom(const OriginIndex& origins, const Job& job,
               Diagnostics& diagnostics);

}  // namespace tacho
