#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "pipeline/base/metrics.h"
#include "pipeline/consume/source.h"
#include "pipeline/lane/lane.h"
#include "pipeline/lane/lane_graph.h"

namespace tacho {

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

// Counters by partition. They outlive their lane: a partition that comes back
// goes on counting.
// Threading: any thread.
class LaneCounters {
 public:
  LaneMetrics& Of(const TopicPartition& tp);
  void CountStateNotMoved() { state_not_moved_.Add(1); }
  LaneTotals Totals() const;

 private:
  mutable std::mutex mutex_;
  std::map<TopicPartition, std::unique_ptr<LaneMetrics>> metrics_;
  Counter state_not_moved_;
};

// The lanes that a worker owns now and their places in the graph.
//
// A lane is added when its store is ready, loads its state in its node, runs,
// and leaves again: suspended (as it is, in case its partition comes back) or
// closed.
//
// Threading: the control thread; ForEach from any.
class LaneSet {
 public:
  explicit LaneSet(LaneGraph& graph) : graph_(graph) {}
  ~LaneSet() { CloseAll(); }

  struct Entry {
    std::unique_ptr<Lane> lane;
    LaneGraph::Node* node = nullptr;
    bool running = false;  // State is loaded; turns are taken.
  };

  // The lane does not run yet; work may be posted to its node.
  Entry& Add(std::unique_ptr<Lane> lane);
  // Takes turns from now on. REQUIRES: nothing else is posted to it.
  void Run(Entry& entry);
  Entry* Find(const TopicPartition& tp);

  // No lane starts another batch.
  void StopAll();
  // Takes all lanes out, stopped and idle, their stores open.
  std::vector<std::unique_ptr<Lane>> TakeAll();
  // Takes all lanes out, flushes and closes them side by side.
  void CloseAll();

  std::vector<std::unique_ptr<Entry>>& entries() { return entries_; }
  bool empty() const { return entries_.empty(); }
  // Visits every lane under the lock.
  void ForEach(const std::function<void(Lane&)>& visit) const;

 private:
  LaneGraph& graph_;
  mutable std::mutex mutex_;  // Guards membership of entries_.
  std::vector<std::unique_ptr<Entry>> entries_;
};

// Flushes and closes lanes that are not in the graph, side by side; failures
// are logged: what was committed is in Kafka.
void CloseLanes(std::vector<std::unique_ptr<Lane>> lanes);

}  // namespace tacho
