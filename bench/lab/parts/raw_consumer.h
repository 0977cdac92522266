#pragma once

#include <cstdint>
#include <string>

#include "pipeline/base/status.h"

namespace tacho::lab {

struct RawResult {
  uint64_t messages = 0;
  uint64_t bytes = 0;
  double seconds = 0;  // From the first message to the last.
};

// The ceiling: consumes `messages` messages of a topic with librdkafka alone,
// as a member of a new group, partition queues drained by callback on
// `threads` threads, counting only. The client's settings are tacho's, of a
// worker that may fetch ahead `fetch_bytes`.
Result<RawResult> ConsumeRaw(const std::string& bootstrap,
                             const std::string& topic, int partitions,
                             const std::string& group, uint64_t messages,
                             int threads,
                             size_t fetch_bytes = size_t{400} << 20);

}  // namespace tacho::lab
