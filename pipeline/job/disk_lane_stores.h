#pragma once

#include <memory>
#include <string>

#include "pipeline/job/job.h"
#include "pipeline/job/lane_stores.h"

namespace tacho {

// Lanes' state in RocksDB under the worker's own directory, which is claimed
// here; a dead sibling's directory is adopted where it is newer.
// Errors: as WorkerDirectory and OpenRocksDbStore.
Result<std::unique_ptr<LaneStores>> MakeDiskLaneStores(const Job& job);

}  // namespace tacho
