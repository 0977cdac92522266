#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace tacho::lab {

struct Lag {
  int64_t time_ms = 0;  // Epoch.
  int64_t committed = 0;
  int64_t end = 0;

  int64_t lag() const { return end - committed; }
};

// Follows what a group has committed of a topic beside the topic's ends, and
// says so once a second, and when it is first seen that nothing is left (looked
// at every 20 ms). Ends then if `until_end`, or when `stop` is set.
void WatchLag(const std::string& bootstrap, const std::string& group,
              const std::string& topic, int partitions, bool until_end,
              const std::atomic<bool>& stop,
              const std::function<void(const Lag&)>& say);

}  // namespace tacho::lab
