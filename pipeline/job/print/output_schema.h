#pragma once

#include <string>

#include "pipeline/job/job.h"

namespace tacho {

// What the streams of a job write, as JSON: for each its topic, its encoding
// and the fields of its results with type and unit.
std::string OutputSchemaJson(const Job& job);

}  // namespace tacho
