#pragma once

#include <cstdint>
#include <string_view>

namespace tacho {

// XXH3 of a table's description: the same on every machine and release.
uint64_t Fingerprint(std::string_view description);

}  // namespace tacho
