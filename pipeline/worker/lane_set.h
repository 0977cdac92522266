#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "pipeline/base/membership.h"
#include "pipeline/base/metrics.h"
#include "pipeline/base/mutex.h"
#include "pipeline/lane/lane.h"
#include "pipeline/lane/lane_graph.h"

namespace tacho {

// Counters by partition. They outlive their lane: a partition that comes back
// goes on counting.
// Threading: any thread.
class LaneCounters {
 public:
  // `reject_sites`: how many things a reject can be about.
  explicit LaneCounters(size_t reject_sites) : reject_sites_(reject_sites) {}

  LaneMetrics& Of(const TopicPartition& tp);
  LaneMetrics Totals() const;

 private:
  const size_t reject_sites_;
  mutable Mutex mutex_;
  std::map<TopicPartition, std::unique_ptr<LaneMetrics>> metrics_
      GUARDED_BY(mutex_);
};

class EpochDriver;

// By what right a worker runs a lane.
struct LaneClaim {
  EpochDriver* driver = nullptr;  // Commits the lane's epochs.
  GroupMembership membership;     // Of the assignment that brought it.
  // Of its take-over: a message that bears another one is about a lane that
  // this partition had before. 0: none is under way.
  uint64_t ticket = 0;
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
    LaneClaim claim;
    LaneGraph::Node* node = nullptr;
    bool running = false;  // State is loaded; turns are taken.
  };

  // The lane does not run yet; work may be posted to its node.
  Entry& Add(std::unique_ptr<Lane> lane, LaneClaim claim);
  // Takes turns from now on. REQUIRES: nothing else is posted to it.
  void Run(Entry& entry);
  Entry* Find(const TopicPartition& tp);

  // No lane starts another batch.
  void StopAll();
  // Takes lanes out, stopped and idle, their stores open: all of them, or those
  // of one driver.
  std::vector<std::unique_ptr<Lane>> TakeAll();
  std::vector<std::unique_ptr<Lane>> TakeOf(const EpochDriver& driver);
  // Takes all lanes out, flushes and closes them side by side.
  void CloseAll();

  std::vector<std::unique_ptr<Entry>>& entries() { return entries_; }
  bool empty() const { return entries_.empty(); }
  bool HasOf(const EpochDriver& driver) const;
  // Visits every lane under the lock.
  void ForEach(const std::function<void(Lane&)>& visit) const;

 private:
  std::vector<std::unique_ptr<Lane>> Take(
      const std::function<bool(const Entry&)>& wanted);

  LaneGraph& graph_;
  // Others visit the entries; what changes them, the control thread, holds it.
  mutable Mutex mutex_;
  std::vector<std::unique_ptr<Entry>> entries_;
};

// Flushes and closes lanes that are not in the graph, side by side; failures
// are logged: what was committed is in Kafka.
void CloseLanes(std::vector<std::unique_ptr<Lane>> lanes);

}  // namespace tacho
