#include "tests/support/memory_cgroup.h"

#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <fstream>
#include <thread>

namespace tacho {
namespace {

struct Place {
  std::string directory;  // Of the test's own group.
  std::string limit;      // Name of the file with the limit.
};

Place OwnPlace() {
  Place place;
  std::ifstream in("/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const size_t second = line.find(':', line.find(':') + 1);
    if (second == std::string::npos) continue;
    const std::string path = line.substr(second + 1);
    if (line.find(":memory:") != std::string::npos) {
      return {"/sys/fs/cgroup/memory" + path, "memory.limit_in_bytes"};
    }
    if (line.starts_with("0::")) {
      place = {"/sys/fs/cgroup" + path, "memory.max"};
    }
  }
  return place;
}

bool Write(const std::string& path, uint64_t value) {
  std::ofstream out(path);
  out << value << std::flush;
  return out.good();
}

}  // namespace

std::unique_ptr<MemoryCgroup> MemoryCgroup::Make(uint64_t bytes) {
  static std::atomic<int> made{0};
  const Place place = OwnPlace();
  const std::string directory = place.directory + "/tacho-test-" +
                                std::to_string(getpid()) + "-" +
                                std::to_string(++made);
  if (mkdir(directory.c_str(), 0755) != 0) return nullptr;
  auto group = std::unique_ptr<MemoryCgroup>(new MemoryCgroup(directory));
  // In version 2 the file is there only if the parent hands the controller on.
  struct stat ignored {};
  const std::string limit = directory + "/" + place.limit;
  if (stat(limit.c_str(), &ignored) != 0 || !Write(limit, bytes)) {
    return nullptr;
  }
  return group;
}

MemoryCgroup::~MemoryCgroup() {
  // A process that has just ended may still be counted.
  for (int i = 0; i < 100 && rmdir(directory_.c_str()) != 0; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

}  // namespace tacho
