#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/check.h"
#include "state/marker.h"
#include "state/state_store.h"
#include "tests/support/fake_changelog.h"
#include "tests/support/manual_clock.h"

namespace tacho {

// All entries of a lane's tables.
using LaneEntries = std::map<std::pair<TableId, std::string>, std::string>;

// A lane as its changelog knows it: writes epochs, and is itself the model of
// what a restore must give.
class LaneHistory {
 public:
  LaneHistory(FakeChangelogCluster& cluster, const Clock& clock)
      : cluster_(cluster), clock_(clock) {}

  static std::vector<std::string> Tables() { return {"windows", "clocks"}; }
  static LaneIdentity Identity() {
    LaneIdentity lane;
    lane.group = "group";
    lane.tp.topic = "input";
    lane.job = "job";
    lane.guarantee = Guarantee::kExactlyOnce;
    lane.input_partitions = 4;
    lane.reset_generation = 3;
    lane.cluster_id = "cluster";
    lane.tables = {{"clocks", 2}, {"windows", 1}};
    return lane;
  }

  // Changes of the epoch that the next Commit, Abort or LeaveOpen writes.
  void Put(TableId table, const std::string& key, const std::string& value) {
    PutInto(Tables().at(table), key, value, table);
    next_[{table, key}] = value;
  }
  void Erase(TableId table, const std::string& key) {
    Key(Tables().at(table), key, table);
    changes_.EndTombstone();
    next_.erase({table, key});
  }
  // Into a table that no job has; no part of the model.
  void PutInto(const std::string& name, std::string_view key,
               std::string_view value, TableId table = 99) {
    Key(name, key, table);
    Append(value);
    changes_.EndValue();
  }

  void Commit() {
    Marker meta = NextMeta();
    cluster_.Commit(Write(meta));
    meta_ = meta;
    committed_ = next_;
  }
  void Abort() { cluster_.Abort(LeaveOpen()); }
  FakeChangelogCluster::Txn LeaveOpen() {
    const auto txn = Write(NextMeta());
    next_ = committed_;
    return txn;
  }
  // The next transaction begins the log that `log_id` is of.
  void BeginLog(uint64_t log_id) {
    log_id_ = log_id;
    begins_log_ = true;
  }
  // The next commit is the one after `epoch`.
  void set_epoch(int64_t epoch) { meta_.epoch = epoch; }

  const FakeLogId& id() const { return id_; }
  // As it was committed; epoch 0: never.
  const Marker& last_meta() const { return meta_; }
  const LaneEntries& state() const { return committed_; }

 private:
  void Append(std::string_view text) {
    changes_.bytes().insert(changes_.bytes().end(), text.begin(), text.end());
  }
  void Key(const std::string& name, std::string_view key, TableId table) {
    changes_.Begin(table, TableTag(name));
    Append(key);
    changes_.EndKey();
  }
  Marker NextMeta() const {
    Marker meta;
    meta.lane = Identity();
    meta.epoch = meta_.epoch + 1;
    meta.next_offset = meta.epoch * 100;
    meta.log_id = log_id_;
    meta.wall_time = clock_.Now();
    return meta;
  }
  FakeChangelogCluster::Txn Write(const Marker& meta) {
    const auto txn = cluster_.Begin();
    cluster_.AppendEpoch(txn, id_, changes_, meta,
                         std::exchange(begins_log_, false));
    changes_.Clear();
    return txn;
  }

  FakeChangelogCluster& cluster_;
  const Clock& clock_;
  const FakeLogId id_{{"input", 2}, 3};
  StateChanges changes_;
  uint64_t log_id_ = 1;
  bool begins_log_ = false;
  Marker meta_;
  LaneEntries committed_;
  LaneEntries next_;
};

inline LaneEntries StateOf(const StateStore& store) {
  LaneEntries out;
  for (TableId table = 0; table < LaneHistory::Tables().size(); ++table) {
    const Status status =
        store.Scan(table, {}, [&](std::string_view key, std::string_view v) {
          out[{table, std::string(key)}] = v;
          return Status::Ok();
        });
    CHECK(status.ok());
  }
  return out;
}

}  // namespace tacho
