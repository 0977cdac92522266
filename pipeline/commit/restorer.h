#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/commit/changelog.h"
#include "state/marker.h"
#include "state/state_store.h"

namespace tacho {

// Brings a lane's store from what it holds to the end of its changelog.
//
// Replay is a sequence of bounded steps: each applies what has arrived, with a
// marker that says *restoring*; the last one writes the meta record that was
// read last (or the base's marker if there was none) as the store's full
// marker. A crash between two steps goes on from the last one.
//
// Threading: one thread; nobody else uses the store meanwhile.
// Memory: one chunk, whatever the changelog's size.
// Errors: kCorruption (a record does not parse, or its checksum does not
// match: topic, partition and offset are in the message); the store's.
class Restorer {
 public:
  struct Spec {
    TopicPartition tp;               // The input's.
    std::vector<std::string> names;  // Tables; TableId is the place.
    Marker base;     // Of the store, or the identity of a new lane's.
    Offset end = 0;  // Of the changelog, uncommitted records included.
  };
  struct Progress {
    uint64_t records = 0;
    uint64_t bytes = 0;
    Offset position = 0;
    Offset end = 0;
  };

  // REQUIRES: the store's tables are open, `reader` starts where the base ends.
  Restorer(StateStore& store, std::unique_ptr<ChangelogReader> reader,
           Spec spec, const Clock& clock);

  // Applies what has arrived. False: nothing had.
  Result<bool> Step();
  // The position has reached the end, and the full marker is written.
  bool done() const { return done_; }
  // The store's marker; nothing if the lane has never committed an epoch.
  // REQUIRES: done().
  const std::optional<Marker>& marker() const;
  Progress progress() const;

 private:
  bool done_ = false;
};

}  // namespace tacho
