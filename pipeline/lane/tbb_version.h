#pragma once

#include <string>

namespace tacho {

// The version of oneTBB that is loaded, as in "2021.8".
std::string TbbVersion();

}  // namespace tacho
