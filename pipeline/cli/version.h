#pragma once

#include <string>
#include <vector>

namespace tacho {

struct LibraryVersion {
  std::string name;
  std::string version;
};

std::string TachoVersion();

// The libraries in this process: the version that is loaded where the library
// can tell, else the one that tacho was built with.
std::vector<LibraryVersion> LibraryVersions();

}  // namespace tacho
