#include "pipeline/base/machine_limits.h"

#include <sys/resource.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <vector>

namespace tacho {
namespace {

// Version 1 writes "no limit" as the greatest multiple of the page size.
constexpr uint64_t kNoLimit = uint64_t{1} << 60;

// A cgroup hierarchy that can limit memory: which group the process is in, by
// the kernel's path, and which of them is mounted where.
struct Hierarchy {
  bool version2 = false;
  std::string group;        // "/system.slice/x.service"
  std::string mount_root;   // The group that is seen at...
  std::string mount_point;  // ...this directory.
};

std::vector<std::string> Words(const std::string& line, char separator) {
  std::vector<std::string> words;
  std::istringstream in(line);
  for (std::string word; std::getline(in, word, separator);) {
    words.push_back(word);
  }
  return words;
}

bool Contains(const std::vector<std::string>& words, const char* word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Space, tab, newline and backslash are written as \040 and so on.
std::string Unescape(const std::string& text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool octal = text[i] == '\\' && i + 3 < text.size();
    if (!octal) {
      out += text[i];
      continue;
    }
    out += static_cast<char>((text[i + 1] - '0') * 64 +
                             (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
    i += 3;
  }
  return out;
}

// Lines "id:controllers:path"; version 2 has id 0 and no controllers.
std::vector<Hierarchy> ReadGroups(const std::string& root) {
  std::vector<Hierarchy> hierarchies;
  std::ifstream in(root + "/proc/self/cgroup");
  for (std::string line; std::getline(in, line);) {
    const size_t first = line.find(':');
    const size_t second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const std::string controllers = line.substr(first + 1, second - first - 1);
    Hierarchy h;
    h.version2 = controllers.empty();
    if (!h.version2 && !Contains(Words(controllers, ','), "memory")) continue;
    h.group = line.substr(second + 1);
    hierarchies.push_back(std::move(h));
  }
  return hierarchies;
}

// Lines "id parent major:minor root point options [fields] - type source
// super-options".
void FindMounts(const std::string& root, std::vector<Hierarchy>& hierarchies) {
  std::ifstream in(root + "/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    const size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const auto left = Words(line.substr(0, dash), ' ');
    const auto right = Words(line.substr(dash + 3), ' ');
    if (left.size() < 5 || right.size() < 3) continue;
    for (Hierarchy& h : hierarchies) {
      const bool same = h.version2
                            ? right[0] == "cgroup2"
                            : right[0] == "cgroup" &&
                                  Contains(Words(right[2], ','), "memory");
      if (!same) continue;
      h.mount_root = Unescape(left[3]);
      h.mount_point = Unescape(left[4]);
    }
  }
}

// Directories from the process's group up to the one that is mounted, as far
// as they can be seen from here.
std::vector<std::string> Directories(const Hierarchy& h) {
  std::string below = h.group;
  if (h.mount_root != "/" && below.starts_with(h.mount_root)) {
    below = below.substr(h.mount_root.size());
  }
  std::vector<std::string> out;
  while (!below.empty() && below != "/") {
    // Outside the mount, as seen from another namespace.
    if (below.find("/..") == std::string::npos) {
      out.push_back(h.mount_point + below);
    }
    below = below.substr(0, below.rfind('/'));
  }
  out.push_back(h.mount_point);
  return out;
}

// A number, or nothing for "max", what is not there and what is no limit.
std::optional<uint64_t> ReadLimit(const std::string& path) {
  std::ifstream in(path);
  std::string text;
  if (!(in >> text)) return std::nullopt;
  uint64_t value = 0;
  const auto end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, value);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  if (value >= kNoLimit) return std::nullopt;
  return value;
}

void ReadCgroups(const std::string& root, MachineLimits& limits) {
  std::vector<Hierarchy> hierarchies = ReadGroups(root);
  FindMounts(root, hierarchies);
  for (const Hierarchy& h : hierarchies) {
    if (h.mount_point.empty()) continue;
    // memory.high is where the kernel begins to hold the process up.
    const std::vector<std::string> files =
        h.version2 ? std::vector<std::string>{"/memory.max", "/memory.high"}
                   : std::vector<std::string>{"/memory.limit_in_bytes"};
    for (const std::string& directory : Directories(h)) {
      for (const std::string& file : files) {
        const auto limit = ReadLimit(root + directory + file);
        if (!limit.has_value() || *limit >= limits.cgroup_bytes) continue;
        limits.cgroup_bytes = *limit;
        limits.cgroup_file = directory + file;
      }
    }
  }
}

void ReadPhysical(const std::string& root, MachineLimits& limits) {
  std::ifstream in(root + "/proc/meminfo");
  std::string name;
  uint64_t kilobytes = 0;
  while (in >> name >> kilobytes) {
    if (name == "MemTotal:") {
      limits.physical_bytes = kilobytes * 1024;
      return;
    }
    in.ignore(1000, '\n');
  }
}

}  // namespace

MachineLimits ReadMachineLimits(const std::string& root) {
  MachineLimits limits;
  ReadCgroups(root, limits);
  ReadPhysical(root, limits);
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    if (files.rlim_cur != RLIM_INFINITY) limits.open_files = files.rlim_cur;
    if (files.rlim_max != RLIM_INFINITY) {
      limits.most_open_files = files.rlim_max;
    }
  }
  return limits;
}

Status RaiseOpenFiles() {
  rlimit files{};
  if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
    // "No limit" is more than the kernel grants.
    constexpr rlim_t kPlenty = 1 << 20;
    const rlim_t hard = files.rlim_max;
    files.rlim_cur = hard;
    if (setrlimit(RLIMIT_NOFILE, &files) == 0) return Status::Ok();
    files.rlim_cur = std::min(hard, kPlenty);
    if (setrlimit(RLIMIT_NOFILE, &files) == 0) return Status::Ok();
  }
  return IoError(std::string("the limit of open files: ") +
                 std::strerror(errno));
}

}  // namespace tacho
