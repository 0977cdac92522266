#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "state/marker.h"
#include "state/state_store.h"

namespace tacho {

// The memory that all RocksDB stores of the process share: one block cache
// and one budget for memtables, beyond which the store being written flushes.
//
// Threading: any thread.
// Lifetime: outlives every store opened with it.
class RocksDbShared {
 public:
  RocksDbShared(size_t cache_bytes, size_t memtable_bytes);
  ~RocksDbShared();
  RocksDbShared(const RocksDbShared&) = delete;
  RocksDbShared& operator=(const RocksDbShared&) = delete;

  size_t used_bytes() const;

 private:
  friend class RocksDbStore;
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

struct StoreOptions {
  // at_least_once_local: every Apply is in a synced write-ahead log on return.
  // Else there is no log, and what was applied since the last Flush (or
  // automatic flush, of all tables together) is lost with the process.
  bool wal_synced = false;
  // Without a log: how often what was applied is flushed in the background, so
  // that a quiet store does not fall behind its changelog. By the wall time of
  // the markers.
  Millis flush_interval{60000};
  size_t write_buffer_bytes = size_t{8} << 20;  // Per table.
  int max_open_files = 256;                     // Per store.
  // Made at once where there is no database yet; OpenTables makes them
  // otherwise.
  std::vector<std::string> new_tables = {};
};

// A StateStore in the RocksDB database at `dir`, which is made if it is not
// there: a column family per table, the marker under "marker" in the default
// one.
//
// Files are written in a format that RocksDB 7.8 and 9.10 both read, and may
// be moved as a whole while the store is closed.
//
// A database that is there is verified, every byte of its table files, before
// it is used: about as long as reading it.
//
// Durability: Apply is atomic over all tables and the marker, also across a
// crash. A store destroyed without Close keeps what a crash would keep.
// Errors: kCorruption, also if the process that last opened it did not survive
// that; kIoError (retryable if the disk is full); kPermission (state/files.h);
// kUnavailable if the directory is open already, in this process or another.
Result<std::unique_ptr<StateStore>> OpenRocksDbStore(
    const std::string& dir, const StoreOptions& options,
    const RocksDbShared& shared);

// The marker of a database that nobody has open, without changing its files;
// kCorruption if the last that tried did not survive it; nothing
// if there is no database at `dir` or no marker in it.
// `only_copy`: no changelog has what it holds (see StoreOptions::wal_synced).
Result<std::optional<Marker>> ReadRocksDbMarker(const std::string& dir,
                                                bool only_copy = false);

}  // namespace tacho
