#include "state/rocksdb_version.h"

#include <rocksdb/version.h>

namespace tacho {

std::string RocksDbVersion() { return rocksdb::GetRocksVersionAsString(); }

}  // namespace tacho
