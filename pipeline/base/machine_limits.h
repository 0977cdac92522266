#pragma once

#include <cstdint>
#include <string>

#include "pipeline/base/status.h"

namespace tacho {

// What this process may use before the kernel ends it or refuses it more.
struct MachineLimits {
  static constexpr uint64_t kNone = UINT64_MAX;

  // The smallest memory limit of the process's cgroup and its ancestors,
  // version 1 or 2; kNone: there is none.
  uint64_t cgroup_bytes = kNone;
  std::string cgroup_file;           // That says so.
  uint64_t physical_bytes = kNone;   // Of the machine; kNone: not readable.
  uint64_t open_files = kNone;       // The soft limit.
  uint64_t most_open_files = kNone;  // To which it may be raised.
};

// Reads them from /proc and /sys below `root`, which tests replace; what
// cannot be read counts as no limit. The files are those of the process
// itself, open files those of RLIMIT_NOFILE.
// Threading: any thread.
MachineLimits ReadMachineLimits(const std::string& root = "");

// Raises the soft limit of open files to the hard one.
// Errors: kIoError; the limit stays as it was.
Status RaiseOpenFiles();

}  // namespace tacho
