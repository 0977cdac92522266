#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "pipeline/lane/lane_graph.h"
#include "pipeline/worker/lane_set.h"

namespace tacho {

// Loads the state of lanes in their nodes, a few at a time. A load keeps its
// thread of the graph for as long as the disk takes; one thread at least, where
// there are several, is left to the lanes that are ready, and to a freeze that
// waits for them.
//
// Threading: the control thread.
// Limits: at most LimitFor(threads) are under way; the others wait in order.
class LaneLoads {
 public:
  explicit LaneLoads(LaneGraph& graph)
      : graph_(graph), limit_(LimitFor(graph.threads())) {}

  static size_t LimitFor(int threads) {
    return threads > 2 ? static_cast<size_t>(threads) - 1 : 1;
  }

  // Runs `load` in the entry's node, now or when it is its turn. The entry
  // stays where it is until Ended or Forget.
  void Add(const LaneSet::Entry& entry, std::function<void()> load);
  // The load of the lane with this ticket has ended: the next one begins.
  void Ended(uint64_t ticket);
  // The driver's lanes go. What waits is never begun, and nobody waits for
  // what is under way: a node is taken only when its load has ended.
  void Forget(const EpochDriver& driver);

 private:
  struct Load {
    const EpochDriver* driver;
    uint64_t ticket;
    LaneGraph::Node* node;
    std::function<void()> work;
  };

  void Begin();

  LaneGraph& graph_;
  const size_t limit_;
  std::deque<Load> waiting_;
  std::vector<Load> under_way_;  // Their work is with the graph.
};

}  // namespace tacho
