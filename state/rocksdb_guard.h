#pragma once

#include <memory>
#include <string>

#include "pipeline/base/status.h"

namespace rocksdb {
class FileChecksumGenFactory;
class Logger;
class Status;
}  // namespace rocksdb

namespace tacho {

// What stands between this process and a database that may be damaged.

// A file in a database's directory that says that somebody is about to open
// it. RocksDB as Debian builds it has assertions on, and a damaged file can
// trip one before any checksum is looked at; who finds the file there knows
// that the last attempt did not come back.
//
// The process may end, the machine stays: nothing is synced.
class OpeningMark {
 public:
  // kCorruption if the last `most` attempts did not come back; else the file
  // is there on return.
  static Result<OpeningMark> Set(const std::string& dir, int most);
  OpeningMark(OpeningMark&& other) noexcept;
  OpeningMark& operator=(OpeningMark&&) = delete;
  // It came back, whatever the answer.
  ~OpeningMark();

 private:
  explicit OpeningMark(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

// kCorruption if `dir` has table files or a log and no database that refers to
// them: a new one would take them for leftovers and delete them.
Status CheckNoOrphans(const std::string& dir);

// What an error means that opening an existing database has given: what its
// files refer to, and it finds missing or senseless, is damage.
Status FromRocksDbOpen(const rocksdb::Status& status, const std::string& dir);

// XXH3 of whole table files: as block checksums it took a fifth of the time of
// RocksDB's own choice where, as in Debian, that is compiled for any machine.
std::shared_ptr<rocksdb::FileChecksumGenFactory> FileChecksums();

// RocksDB's own log, into ours: warnings and errors. There is no LOG file: on
// the disk that fails it would be the first to, and take the process with it.
std::shared_ptr<rocksdb::Logger> MakeRocksDbLog(const std::string& dir);

}  // namespace tacho
