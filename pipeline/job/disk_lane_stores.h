#pragma once

#include <memory>
#include <string>

#include "pipeline/job/lane_set.h"

namespace tacho {

// Lanes' state in RocksDB under the worker's own directory, which is claimed
// here; a dead sibling's directory is adopted where it is newer.
// Errors: as WorkerDirectory and OpenRocksDbStore.
Result<std::unique_ptr<LaneStores>> MakeDiskLaneStores(const Job& job);

}  // namespace tacho
