#pragma once

#include <memory>
#include <string>

#include "pipeline/job/job.h"
#include "pipeline/worker/lane_stores.h"

namespace tacho {

// Lanes' state in RocksDB under the worker's own directory, which is claimed
// here; a dead sibling's directory is adopted where it is newer. Block cache
// and memtables of all of them take `rocksdb_bytes`.
// Errors: as WorkerDirectory and OpenRocksDbStore.
Result<std::unique_ptr<LaneStores>> MakeDiskLaneStores(const Job& job,
                                                       size_t rocksdb_bytes);

}  // namespace tacho
