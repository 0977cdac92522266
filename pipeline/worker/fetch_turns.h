#pragma once

#include <chrono>
#include <cstddef>
#include <deque>

#include "pipeline/base/time.h"
#include "pipeline/consume/group_member.h"
#include "pipeline/lane/lane_graph.h"
#include "pipeline/worker/lane_set.h"

namespace tacho {

// Which of a worker's partitions fetch. What librdkafka fetches ahead is fixed
// for each partition when the client is made. A worker that owns more of them
// than `limits.partitions_per_worker` says would hold more memory than it may:
// so no more fetch than that, in turns. Slow, and so that nothing falls over:
// what the job says is wrong.
//
// Threading: the control thread.
class FetchTurns {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  FetchTurns(GroupMember& member, LaneGraph& graph, LaneSet& lanes,
             const Clock& clock)
      : member_(member), graph_(graph), lanes_(lanes), clock_(clock) {}

  // How many partitions fetch at a time. Before the first one is added.
  void SetMost(size_t partitions) { most_ = partitions; }
  // A lane of this partition runs; the worker owns `owned` of them.
  void Add(const TopicPartition& tp, size_t owned);
  // When RotateIfDue has something to do; never, as long as nobody waits.
  SteadyTime next() const { return next_; }
  void RotateIfDue();
  // The lanes are gone.
  void Forget();

 private:
  void Pause(const TopicPartition& tp);
  void Refetch(const TopicPartition& tp);

  GroupMember& member_;
  LaneGraph& graph_;
  LaneSet& lanes_;
  const Clock& clock_;
  size_t most_ = 1;
  std::deque<TopicPartition> fetching_;  // Oldest turn first.
  std::deque<TopicPartition> paused_;    // Next turn first; mostly empty.
  SteadyTime next_ = SteadyTime::max();
};

}  // namespace tacho
