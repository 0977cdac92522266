#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/status.h"
#include "state/sorted_changes.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
struct Options;
class SstFileWriter;
}  // namespace rocksdb

namespace tacho {

// A write that goes around the memtables: one table file for every column
// family that it touches, written beside the database and handed over in one
// step, all or none, also across a crash. Several times cheaper a key than a
// write batch, and some milliseconds dearer a write.
//
// REQUIRES: nothing is in the memtables that a crash may take away; nobody
// else writes meanwhile. One use.
class RocksDbIngest {
 public:
  RocksDbIngest(rocksdb::DB& db, std::string dir,
                const rocksdb::Options& options);
  ~RocksDbIngest();
  RocksDbIngest(const RocksDbIngest&) = delete;
  RocksDbIngest& operator=(const RocksDbIngest&) = delete;

  // `tables` by TableId.
  Status AddChanges(const StateChanges& changes, const SortedChanges& sorted,
                    const std::vector<rocksdb::ColumnFamilyHandle*>& tables);
  // The only entry of its family.
  Status AddEntry(rocksdb::ColumnFamilyHandle* family, std::string_view key,
                  std::string_view value);
  Status Commit();
  // Until the database is not so far behind with its compactions that its next
  // ordinary write would be slowed down.
  Status AwaitCompactions();

  // What a crash has left at `dir`.
  static void RemoveLeftovers(const std::string& dir);

 private:
  struct File {
    rocksdb::ColumnFamilyHandle* family = nullptr;
    std::string path;
    std::string checksum;
    std::string checksum_name;
  };

  Status Begin(rocksdb::ColumnFamilyHandle* family);
  Status End();

  rocksdb::DB& db_;
  const std::string dir_;
  const std::unique_ptr<const rocksdb::Options> options_;
  std::vector<File> files_;
  std::unique_ptr<rocksdb::SstFileWriter> writer_;  // Of the last file.
};

}  // namespace tacho
