#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/ids.h"

namespace tacho::lab {

// Waits until a group has committed a topic's partitions up to `ends`, and
// returns when that was seen, in epoch milliseconds. The lab ends if it is not
// within ten minutes.
int64_t AwaitCommitted(const std::string& bootstrap, const std::string& group,
                       const std::string& topic,
                       const std::vector<Offset>& ends);

}  // namespace tacho::lab
