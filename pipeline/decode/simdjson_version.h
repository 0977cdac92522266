#pragma once

#include <string>

namespace tacho {

// The version of simdjson at build time and the kernel that this machine gets,
// as in "3.0.1 (haswell)".
std::string SimdjsonVersion();

}  // namespace tacho
