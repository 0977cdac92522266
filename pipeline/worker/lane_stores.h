#pragma once

#include <memory>
#include <string>
#include <vector>

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
  // How many files a lane's store may have open, from the next Open on.
  virtual void SetOpenFiles(int /*files*/) {}
  // UUID of this worker's directory.
  virtual const std::string& writer_id() const = 0;
  // Begins to open the lane's store, on a thread of its own: a later Open waits
  // for it. `tables` are made at once if the store is new. Nothing to do if it
  // was begun before. REQUIRES: the store is not open.
  virtual void Prepare(const TopicPartition& /*tp*/,
                       const std::vector<std::string>& /*tables*/) {}
  // Closes what was prepared and not asked for.
  virtual void CancelPrepared() {}
  // The lane's store: this worker's own, or a dead sibling's where that is
  // newer; an empty one if there is neither. kCorruption: it does not open.
  virtual Result<std::unique_ptr<StateStore>> Open(
      const TopicPartition& tp) = 0;
  // Moves the lane's state aside, where people find it; `why` is a word or two
  // in small letters and '_'. REQUIRES: its store is closed.
  virtual Status Quarantine(const TopicPartition& tp,
                            const std::string& why) = 0;
};

}  // namespace tacho
