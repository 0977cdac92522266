#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/metrics.h"
#include "pipeline/consume/source.h"
#include "pipeline/job/job.h"
#include "pipeline/lane/lane.h"
#include "pipeline/lane/lane_graph.h"
#include "state/state_store.h"

namespace tacho {

// Where lanes keep their state on this host. One implementation over the
// worker's directory and RocksDB, one in memory for tests.
// Threading: the control thread.
class LaneStores {
 public:
  virtual ~LaneStores() = default;
  // UUID of this worker's directory.
  virtual const std::string& writer_id() const = 0;
  // The lane's store: this worker's own, or a dead sibling's where that is
  // newer; an empty one if there is neither.
  virtual Result<std::unique_ptr<StateStore>> Open(
      const TopicPartition& tp) = 0;
  // Removes the lane's state. REQUIRES: its store is closed.
  virtual Status Remove(const TopicPartition& tp) = 0;
};

// Sums over all lanes that this worker has had.
struct LaneTotals {
  uint64_t messages = 0;
  uint64_t message_bytes = 0;
  uint64_t records = 0;
  uint64_t outputs = 0;
  uint64_t late = 0;
  uint64_t filtered = 0;
  uint64_t skipped = 0;
  std::array<uint64_t, kRejectReasons> rejects{};
  uint64_t state_not_moved = 0;

  uint64_t total_rejects() const {
    uint64_t sum = 0;
    for (const uint64_t n : rejects) sum += n;
    return sum;
  }
};

// Where a lane starts, and from what state.
struct LaneStart {
  TopicPartition tp;
  Offset committed = kNoOffset;  // Of the group.
  Offset start = kNoOffset;
  bool recommit = false;  // The group's offset is behind the state's.
  std::optional<Marker> marker;
  std::unique_ptr<StateStore> store;
};

// The lanes that a worker owns now: made, scheduled and closed together.
// Threading: the control thread; Totals and ForEach from any.
class LaneSet {
 public:
  LaneSet(const Job& job, LaneGraph& graph, MessageSource& source,
          LaneStores& stores, LaneEvents& events, const Clock& clock);
  ~LaneSet();

  struct Entry {
    std::unique_ptr<Lane> lane;
    LaneGraph::Node* node = nullptr;
    std::optional<Marker> marker;
    Offset start = kNoOffset;
    bool running = false;
  };

  // Opens the partition's store and compares its marker with the group's
  // offset (pipeline/README.md, What is durable when). `start.start` stays
  // kNoOffset if neither knows where to start.
  Status OpenStore(LaneStart& start, int32_t input_partitions);

  // Makes the lane of an opened start; it does not run yet.
  Status Add(LaneStart start, int32_t input_partitions, Offset end_offset,
             bool close_at_end);

  // Starts a lane whose state has been loaded.
  void Run(Entry& entry);
  // Stops, waits until nothing runs, flushes and closes all lanes.
  void CloseAll();

  std::vector<Entry>& entries() { return entries_; }
  bool empty() const { return entries_.empty(); }

  LaneTotals Totals() const;
  // Visits every lane under the lock.
  void ForEach(const std::function<void(Lane&)>& visit) const;

 private:
  const Job& job_;
  LaneGraph& graph_;
  MessageSource& source_;
  LaneStores& stores_;
  LaneEvents& events_;
  const Clock& clock_;
  uint64_t state_not_moved_ = 0;

  mutable std::mutex mutex_;  // Guards membership of entries_ and metrics_.
  std::vector<Entry> entries_;
  // Counters outlive their lane: a partition that comes back goes on counting.
  std::map<TopicPartition, std::unique_ptr<LaneMetrics>> metrics_;
};

}  // namespace tacho
