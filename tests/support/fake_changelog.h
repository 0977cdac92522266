#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "pipeline/base/check.h"
#include "pipeline/restore/changelog.h"
#include "state/changelog_record.h"
#include "state/state_store.h"

namespace tacho {

// Which changelog partition: the input's, and the reset generation.
struct FakeLogId {
  TopicPartition tp;
  int64_t generation = 0;

  auto operator<=>(const FakeLogId&) const = default;
};

// The changelogs of a cluster, in memory, with what transactions do to a log:
// records lie in it before they are committed, readers stop at the first open
// transaction, aborted records are skipped, and a control record ends each
// transaction in each partition that it wrote to. Outlives the workers.
//
// Threading: any thread.
class FakeChangelogCluster {
 public:
  using Txn = int64_t;

  std::atomic<int> rechecks{0};  // Calls of Changelog::Recheck.

  Txn Begin() {
    const std::lock_guard lock(mutex_);
    open_.insert(++last_txn_);
    return last_txn_;
  }
  // Null: a tombstone. Returns the offset.
  Offset Append(Txn txn, const FakeLogId& id, std::string_view key,
                std::optional<std::string_view> value) {
    const std::lock_guard lock(mutex_);
    CHECK(open_.contains(txn));
    Log& log = logs_[id];
    Entry& entry = log.entries[log.end];
    entry.txn = txn;
    entry.key = key;
    if (value) entry.value = std::string(*value);
    return log.end++;
  }
  void Commit(Txn txn) { End(txn, /*committed=*/true); }
  void Abort(Txn txn) { End(txn, /*committed=*/false); }

  // What a lane's epoch writes: the log's identity if it begins it, its
  // changes, then the meta record.
  void AppendEpoch(Txn txn, const FakeLogId& id, const StateChanges& changes,
                   const Marker& marker, bool begins_log = false) {
    if (begins_log) {
      std::vector<char> identity;
      AppendChangelogIdentity(identity, marker.log_id);
      Append(txn, id, ChangelogIdentityKey(),
             std::string_view(identity.data(), identity.size()));
    }
    for (const StateChanges::Change& change : changes.changes()) {
      const std::string_view value = changes.ChangelogValue(change);
      Append(txn, id, changes.ChangelogKey(change),
             change.tombstone ? std::nullopt : std::optional(value));
    }
    std::vector<char> meta;
    EncodeMetaRecord(marker, meta);
    Append(txn, id, ChangelogMetaKey(),
           std::string_view(meta.data(), meta.size()));
  }

  // First offset, and the end with uncommitted records.
  std::pair<Offset, Offset> Range(const FakeLogId& id) const {
    const std::lock_guard lock(mutex_);
    const auto it = logs_.find(id);
    if (it == logs_.end()) return {0, 0};
    return {it->second.first, it->second.end};
  }
  int64_t NewestGeneration(const std::string& input) const {
    const std::lock_guard lock(mutex_);
    int64_t newest = 0;
    for (const auto& [id, log] : logs_) {
      if (id.tp.topic == input && log.end > 0) {
        newest = std::max(newest, id.generation);
      }
    }
    return newest;
  }
  Offset LastStable(const FakeLogId& id) const {
    const std::lock_guard lock(mutex_);
    const auto it = logs_.find(id);
    return it == logs_.end() ? 0 : LastStable(it->second);
  }

  // Drops, before the last stable offset, aborted records and those that a
  // later committed one supersedes. Tombstones go as Kafka lets them go: in
  // the first compaction that comes `retention` after one that saw them.
  void Compact(const FakeLogId& id, Timestamp now, Millis retention) {
    const std::lock_guard lock(mutex_);
    Log& log = logs_[id];
    const Offset end = LastStable(log);
    std::map<std::string, Offset> last;
    for (const auto& [offset, entry] : log.entries) {
      if (offset < end && !aborted_.contains(entry.txn)) {
        last[entry.key] = offset;
      }
    }
    const auto stays = [&](Offset offset, Entry& entry) {
      if (offset >= end) return true;
      if (aborted_.contains(entry.txn)) return false;
      if (last[entry.key] != offset) return false;
      if (entry.value) return true;
      if (!entry.horizon) entry.horizon = now + retention;
      return now < *entry.horizon;
    };
    for (auto it = log.entries.begin(); it != log.entries.end();) {
      it = stays(it->first, it->second) ? std::next(it) : log.entries.erase(it);
    }
  }
  // As DeleteRecords does: the log starts at `offset`.
  void DropBefore(const FakeLogId& id, Offset offset) {
    const std::lock_guard lock(mutex_);
    Log& log = logs_[id];
    log.entries.erase(log.entries.begin(), log.entries.lower_bound(offset));
    log.first = offset;
  }
  // As an unclean election does: the log ends at `offset`.
  void Truncate(const FakeLogId& id, Offset offset) {
    const std::lock_guard lock(mutex_);
    Log& log = logs_[id];
    log.entries.erase(log.entries.lower_bound(offset), log.entries.end());
    log.end = offset;
  }
  // Flips a bit of the record's last byte.
  void Damage(const FakeLogId& id, Offset offset) {
    const std::lock_guard lock(mutex_);
    logs_.at(id).entries.at(offset).value->back() ^= 1;
  }

  // Committed records from `position` on, until the chunk holds `max_bytes`
  // or `max_records` more; moves the position.
  Status Read(const FakeLogId& id, Offset& position, ChangelogChunk& chunk,
              size_t max_bytes, size_t max_records) const {
    const std::lock_guard lock(mutex_);
    const auto found = logs_.find(id);
    if (found == logs_.end()) return Status::Ok();
    const Log& log = found->second;
    if (position < log.first || position > log.end) {
      return Corruption("position " + std::to_string(position) +
                        " is outside the log");
    }
    const Offset end = LastStable(log);
    for (auto it = log.entries.lower_bound(position);
         it != log.entries.end() && it->first < end; ++it) {
      if (aborted_.contains(it->second.txn)) continue;
      if (chunk.used_bytes() >= max_bytes || max_records-- == 0) {
        return Status::Ok();
      }
      const auto& value = it->second.value;
      chunk.Add(it->first, it->second.key,
                value ? std::string_view(value->data(), value->size())
                      : std::string_view());
      position = it->first + 1;
    }
    position = std::max(position, end);
    return Status::Ok();
  }

 private:
  struct Entry {
    Txn txn = 0;
    std::string key;
    std::optional<std::string> value;
    std::optional<Timestamp> horizon;  // When a tombstone may go.
  };
  struct Log {
    Offset first = 0;
    Offset end = 0;
    std::map<Offset, Entry> entries;  // Control records leave a gap.
  };

  void End(Txn txn, bool committed) {
    const std::lock_guard lock(mutex_);
    CHECK(open_.erase(txn) == 1);
    if (!committed) aborted_.insert(txn);
    for (auto& [id, log] : logs_) {
      const bool touched =
          std::any_of(log.entries.begin(), log.entries.end(),
                      [&](const auto& e) { return e.second.txn == txn; });
      if (touched) ++log.end;
    }
  }
  Offset LastStable(const Log& log) const {
    for (const auto& [offset, entry] : log.entries) {
      if (open_.contains(entry.txn)) return offset;
    }
    return log.end;
  }

  mutable std::mutex mutex_;
  Txn last_txn_ = 0;
  std::set<Txn> open_;
  std::set<Txn> aborted_;
  std::map<FakeLogId, Log> logs_;
};

// A worker's client to the changelogs of a cluster.
class FakeChangelog final : public Changelog {
 public:
  explicit FakeChangelog(FakeChangelogCluster& cluster) : cluster_(cluster) {}

  // At most so many records a Read: what has arrived.
  void set_records_per_read(size_t records) { records_per_read_ = records; }
  // The next `count` calls of any kind, Read included, answer `status`.
  void FailNext(int count, Status status) {
    failures_ = count;
    failure_ = std::move(status);
  }
  // The next `count` reads give what there is, and then `status`.
  void FailAfterRead(int count, Status status) {
    read_failures_ = count;
    failure_ = std::move(status);
  }
  void set_delete_retention(Millis retention) { retention_ = retention; }

  // The first open transaction, if it lies before `end`.
  Result<std::optional<TransactionHold>> Hold(const TopicPartition& input,
                                              int64_t generation, Offset end,
                                              Millis /*timeout*/) override {
    RETURN_IF_ERROR(Pass());
    const FakeLogId id{input, generation};
    const Offset last_stable = cluster_.LastStable(id);
    if (last_stable >= end) return std::optional<TransactionHold>();
    return std::optional(
        TransactionHold{input, last_stable, cluster_.Range(id).second, {}});
  }

  Status Prepare(const std::string& input, int32_t partitions,
                 int64_t generation, Millis /*timeout*/) override {
    RETURN_IF_ERROR(Pass());
    prepared_.insert({input, partitions, generation});
    return Status::Ok();
  }
  Result<std::vector<Status>> Recheck(Millis /*timeout*/) override {
    RETURN_IF_ERROR(Pass());
    ++cluster_.rechecks;
    return std::vector<Status>();
  }
  Result<int64_t> NewestGeneration(const std::string& input,
                                   int32_t /*partitions*/,
                                   Millis /*timeout*/) override {
    RETURN_IF_ERROR(Pass());
    return cluster_.NewestGeneration(input);
  }
  Result<std::pair<Offset, Offset>> Range(const TopicPartition& input,
                                          int64_t generation,
                                          Millis /*timeout*/) override {
    RETURN_IF_ERROR(Pass());
    return cluster_.Range({input, generation});
  }
  Result<std::unique_ptr<ChangelogReader>> Open(const TopicPartition& input,
                                                int64_t generation,
                                                Offset from) override {
    RETURN_IF_ERROR(Pass());
    return std::unique_ptr<ChangelogReader>(
        std::make_unique<Reader>(*this, FakeLogId{input, generation}, from));
  }
  Millis delete_retention(const std::string& /*input*/,
                          int64_t /*generation*/) const override {
    return retention_;
  }

  // (input, partitions, generation) of every Prepare.
  const std::set<std::tuple<std::string, int32_t, int64_t>>& prepared() const {
    return prepared_;
  }

 private:
  class Reader final : public ChangelogReader {
   public:
    Reader(FakeChangelog& owner, FakeLogId id, Offset from)
        : owner_(owner), id_(std::move(id)), position_(from) {}
    Status Read(ChangelogChunk& chunk, size_t max_bytes) override {
      RETURN_IF_ERROR(owner_.Pass());
      RETURN_IF_ERROR(owner_.cluster_.Read(id_, position_, chunk, max_bytes,
                                           owner_.records_per_read_));
      if (owner_.read_failures_ == 0) return Status::Ok();
      --owner_.read_failures_;
      return owner_.failure_;
    }
    Offset position() const override { return position_; }

   private:
    FakeChangelog& owner_;
    const FakeLogId id_;
    Offset position_;
  };

  Status Pass() {
    if (failures_ == 0) return Status::Ok();
    --failures_;
    return failure_;
  }

  FakeChangelogCluster& cluster_;
  size_t records_per_read_ = SIZE_MAX;
  int failures_ = 0;
  int read_failures_ = 0;
  Status failure_;
  Millis retention_ = std::chrono::hours(24);
  std::set<std::tuple<std::string, int32_t, int64_t>> prepared_;
};

}  // namespace tacho
