#pragma once

#include <string>

namespace tacho {

// The version of RocksDB that is loaded, as in "7.8.3".
std::string RocksDbVersion();

}  // namespace tacho
