#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/recycled_vector.h"
#include "pipeline/base/status.h"
#include "state/changelog_record.h"
#include "state/marker.h"

namespace tacho {

using TableId = uint32_t;

// State changes of one lane's epoch, encoded once: the same bytes go to the
// store and to the changelog, whose key has a prefix and whose value has a
// checksum (state/changelog_record.h).
class StateChanges {
 public:
  struct Change {
    TableId table = 0;
    bool tombstone = false;
    uint32_t key_size = 0;
    uint32_t value_size = 0;
    size_t begin = 0;  // Of the prefix; key, value and checksum follow it.
  };

  void Begin(TableId table, uint32_t tag);
  void EndKey();
  void EndValue();      // The change is a put...
  void EndTombstone();  // ...or a delete.
  // A change as it came from a changelog, prefix and checksum included.
  // REQUIRES: ParseChangelogRecord accepts it as a put or a tombstone.
  void Add(TableId table, std::string_view changelog_key,
           std::string_view changelog_value);
  std::vector<char>& bytes() {
    return bytes_;
  }  // Append between Begin and End.

  const std::vector<Change>& changes() const { return changes_; }
  std::string_view Key(const Change& c) const {
    return ChangelogKey(c).substr(kChangelogPrefixBytes);
  }
  std::string_view Value(const Change& c) const {
    return {bytes_.data() + ValueBegin(c), c.value_size};
  }
  std::string_view ChangelogKey(const Change& c) const {
    return {bytes_.data() + c.begin, kChangelogPrefixBytes + c.key_size};
  }
  // Null for a tombstone.
  std::string_view ChangelogValue(const Change& c) const {
    if (c.tombstone) return {};
    return {bytes_.data() + ValueBegin(c),
            c.value_size + kChangelogChecksumBytes};
  }
  size_t used_bytes() const {
    return bytes_.size() + changes_.size() * sizeof(Change);
  }
  bool empty() const { return changes_.empty(); }
  void Clear() {
    bytes_room_.Clear(bytes_);
    changes_room_.Clear(changes_);
  }

 private:
  static size_t ValueBegin(const Change& c) {
    return c.begin + kChangelogPrefixBytes + c.key_size;
  }

  std::vector<char> bytes_;
  std::vector<Change> changes_;
  RecycledRoom bytes_room_;
  RecycledRoom changes_room_;
};

// Where a lane's committed state lives. One store per lane; RocksDB in
// production, memory in tests.
//
// Threading: Apply may run on the committer while the lane's thread scans;
// every other pair of calls is serialised by the caller.
// Errors: kIoError, kCorruption; nothing is retried here.
class StateStore {
 public:
  virtual ~StateStore() = default;

  // Makes the tables that are missing; TableId is the place in `names`. Called
  // once, before any other call but ReadMarker.
  // Errors: kInvalidArgument if the store has a table that is not in `names`
  // (the marker's fingerprints, checked before, give the better message).
  virtual Status OpenTables(const std::vector<std::string>& names) = 0;

  // The marker, or nothing in an empty store. May be called before OpenTables.
  virtual Result<std::optional<Marker>> ReadMarker() = 0;

  // Puts changes and marker in one atomic write; durable on return if the
  // store was opened with a synced WAL. The last change of a key wins.
  virtual Status Apply(const StateChanges& changes, const Marker& marker) = 0;

  // The same for many changes at once, as a restore makes them: cheaper a
  // change than Apply, not quick to answer, and blocking while the store is
  // behind with its own housekeeping.
  virtual Status Restore(const StateChanges& changes, const Marker& marker) {
    return Apply(changes, marker);
  }

  // Calls `visit` for every (key, value) of `table` whose key starts with
  // `prefix`, in key order, until it returns a Status that is not ok.
  virtual Status Scan(
      TableId table, std::string_view prefix,
      const std::function<Status(std::string_view, std::string_view)>& visit)
      const = 0;

  // Starts to bring to the disk what has been in memory alone for the store's
  // flush interval; does not wait. May run beside Apply and Scan.
  virtual Status FlushIfDue(Timestamp /*now*/) { return Status::Ok(); }
  virtual Status Flush() = 0;
  // Flushes and closes; the directory may be opened again afterwards.
  virtual Status Close() = 0;
};

}  // namespace tacho
