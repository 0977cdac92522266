#pragma once

#include <string>

#include "pipeline/base/status.h"

namespace rocksdb {
class Status;
}  // namespace rocksdb

namespace tacho {

// What RocksDB says about the database at `dir`, in our words.
Status FromRocksDb(const rocksdb::Status& status, const std::string& dir);

}  // namespace tacho
