#pragma once

#include <memory>
#include <string>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "state/state_store.h"

namespace tacho {

// Where lanes keep their state on this host. One implementation over the
// worker's directory and RocksDB, one in memory for tests.
// Threading: one thread at a time.
class LaneStores {
 public:
  virtual ~LaneStores() = default;
  // UUID of this worker's directory.
  virtual const std::string& writer_id() const = 0;
  // The lane's store: this worker's own, or a dead sibling's where that is
  // newer; an empty one if there is neither. kCorruption: it does not open.
  virtual Result<std::unique_ptr<StateStore>> Open(
      const TopicPartition& tp) = 0;
  // Removes the lane's state. REQUIRES: its store is closed.
  virtual Status Remove(const TopicPartition& tp) = 0;
};

}  // namespace tacho
