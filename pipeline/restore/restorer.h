#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/restore/changelog.h"
#include "state/marker.h"
#include "state/state_store.h"

namespace tacho {

// Brings a lane's store from what it holds to the end of its changelog.
//
// Replay is a sequence of bounded steps. What they read is collected and
// written in big atomic writes with a marker that says *restoring*; the last
// write has the full marker, made of the meta record that was read last (or of
// the base, if it is whole and there was nothing to read). After a crash
// another Restorer goes on from the marker that the store has.
//
// The log is read up to `end` and no further: what lies behind belongs to a
// later owner. A restore that waits for an open transaction stays where it is.
//
// A changelog forgets erasures after delete.retention.ms. What it holds of a
// key when a restore reads it stays true for that long, so a marker's
// wall_time is, as long as a restore runs, that of the oldest state in the
// store: the base's, or the restore's start.
//
// Threading: one thread; nobody else uses the store meanwhile.
// Memory: used_bytes(), within a few of Limits' sums, whatever the changelog.
// Errors: kCorruption (a record does not parse, its checksum does not match, or
// no table of the job could have written it; another log than the base's; an
// epoch without its meta record; epochs that go back; more than
// delete.retention.ms gone), kInvalidArgument (a record of a table that the
// job does not have; a meta record of another owner or of tacho 0.1), all with
// topic, partition and offset; the store's. They are final: a Restorer that has
// failed fails for ever. Only retryable errors (the reader's, a full disk) are
// not: Step may be called again. After
// kCorruption with a base, wipe the store and restore from the log's first
// offset; without one, the changelog is damaged.
class Restorer {
 public:
  struct Spec {
    LaneIdentity lane;               // What meta records must say.
    std::vector<std::string> names;  // Tables; TableId is the place.
    Marker base;     // The store's, whole or restoring; as made: it has none.
    Offset end = 0;  // Of the changelog, uncommitted records included.
    Millis delete_retention = std::chrono::hours(24);
    // Whether a table could have written an entry, as LaneState::CheckEntry.
    // What does not pass gets nowhere near the store. It is no damage where a
    // table has changed its meaning, which the meta record that follows says.
    std::function<Status(TableId, std::string_view key, std::string_view value)>
        check;
  };
  struct Limits {
    size_t read_bytes = size_t{1} << 20;    // Of one step.
    size_t write_bytes = size_t{16} << 20;  // Of one write.
  };
  struct Progress {
    uint64_t records = 0;
    uint64_t bytes = 0;
    Offset position = 0;
    Offset end = 0;
  };

  // REQUIRES: the store's tables are open; `reader` starts at the base's
  // changelog_next, or at the log's first offset for a store that is empty.
  Restorer(StateStore& store, std::unique_ptr<ChangelogReader> reader,
           Spec spec, const Clock& clock);
  Restorer(StateStore& store, std::unique_ptr<ChangelogReader> reader,
           Spec spec, const Clock& clock, const Limits& limits);

  // Takes what has arrived. False: nothing had, and not done.
  // REQUIRES: !done().
  Result<bool> Step();
  // The position has reached the end, and the full marker is written.
  bool done() const { return done_; }
  // The store's marker; nothing if the lane has never committed an epoch (the
  // store has not been written to then).
  // REQUIRES: done().
  const std::optional<Marker>& marker() const;
  Progress progress() const;
  size_t used_bytes() const {
    return chunk_.used_bytes() + changes_.used_bytes();
  }

 private:
  Status Advance();
  Status TakeChunk();
  Status Take(const ChangelogChunk::Entry& entry);
  Status TakeMeta(std::string_view value);
  // What is read is of the log with this identity.
  Status TakeLogId(uint64_t log_id);
  Status WritePart();
  Status Finish();
  Status CheckEnd() const;
  Result<TableId> TableOf(uint32_t tag) const;
  Status At(Offset offset, const Status& status) const;
  std::string ChangelogName() const;

  StateStore& store_;
  const std::unique_ptr<ChangelogReader> reader_;
  const Spec spec_;
  const Clock& clock_;
  const Limits limits_;
  const Timestamp started_;
  const Timestamp oldest_;  // Since when the store's contents may be stale.

  std::vector<std::pair<uint32_t, TableId>> tags_;
  ChangelogChunk chunk_;
  StateChanges changes_;    // Read and not written.
  Offset position_;         // Of the log: all before it was taken.
  Status wrong_;            // The first value that has not passed, and where.
  bool open_epoch_;         // State changes were read after the last meta.
  int64_t last_epoch_ = 0;  // Of the last meta record read.
  uint64_t log_id_;         // 0: not known yet.
  std::optional<Marker> meta_;
  uint64_t records_ = 0;
  uint64_t bytes_ = 0;

  Status failure_;
  bool done_ = false;
  std::optional<Marker> marker_;
};

}  // namespace tacho
