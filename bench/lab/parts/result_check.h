#pragma once

#include <cstdint>
#include <string>

namespace tacho::lab {

struct ResultCheck {
  uint64_t expected = 0;
  uint64_t found = 0;    // Results in the topic.
  uint64_t missing = 0;  // Windows without one...
  uint64_t wrong = 0;    // ... with other values...
  uint64_t extra = 0;    // ... and results of no window, or a second time.
};

// Holds a topic of results, as a read_committed reader sees it, against what
// an Oracle has written. Values are equal within 1e-9 of each other.
ResultCheck CheckResults(const std::string& bootstrap, const std::string& topic,
                         int partitions, const std::string& expected_path);

}  // namespace tacho::lab
