#pragma once

#include <vector>

#include "pipeline/job/file/job_keys.h"

namespace tacho {

// JobKeys by what they are about, a table each, in the order of the reference.

// The job's name, the brokers, and the consumer group.
std::vector<JobKey> GroupKeys();
// What is read, and how messages become records.
std::vector<JobKey> InputKeys();
// Streams and where their results go, rejects, late records.
std::vector<JobKey> OutputKeys();
// State, commits, memory, limits, time: how the work is done.
std::vector<JobKey> WorkKeys();

}  // namespace tacho
