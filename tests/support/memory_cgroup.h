#pragma once

#include <cstdint>
#include <memory>
#include <string>

namespace tacho {

// A cgroup of the test's own, below that of the test itself, whose processes
// the kernel ends when they take more memory together than it allows. Version
// 1 or 2. Removed with this object, once its processes are gone.
class MemoryCgroup {
 public:
  // Null where none can be made: no right to, or no memory controller.
  static std::unique_ptr<MemoryCgroup> Make(uint64_t bytes);
  ~MemoryCgroup();
  MemoryCgroup(const MemoryCgroup&) = delete;
  MemoryCgroup& operator=(const MemoryCgroup&) = delete;

  // A process joins by writing its id to this file.
  std::string procs() const { return directory_ + "/cgroup.procs"; }

 private:
  explicit MemoryCgroup(std::string directory)
      : directory_(std::move(directory)) {}

  std::string directory_;
};

}  // namespace tacho
