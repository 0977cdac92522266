#pragma once

#include <functional>
#include <memory>

#include "pipeline/base/batch.h"
#include "pipeline/base/signal.h"

namespace tacho {

// What the graph runs: one lane's turn at a time.
class LaneTask {
 public:
  virtual ~LaneTask() = default;
  // Processes at most one batch in `batch` (cleared, warm in this thread's
  // cache). True: there is more, give me another turn.
  virtual bool RunTurn(Batch& batch) noexcept = 0;
};

// Schedules lanes over a oneTBB flow graph: one serial node a lane, so that a
// lane is never run by two threads; lanes run side by side and take turns of
// one batch, round robin, so that a full lane does not starve the others.
//
// Threading: Schedule and Post from any thread, librdkafka's included; Attach
// and Detach from the control thread.
// Lifetime: nodes live as long as the graph and are used again.
// Limits: `threads` workers and as many batches, but two at least.
class LaneGraph {
 public:
  struct Node;  // A lane's place in the graph; stable.

  LaneGraph(int threads, const SignalSchema& schema);
  ~LaneGraph();  // Waits until nothing runs.

  Node* Attach(LaneTask& task);
  // After return the task is not running and will not be called. Pending
  // turns are dropped, posted work is done. REQUIRES: nobody schedules it.
  void Detach(Node* node);

  // Asks for a turn: noexcept, lock-free, cheap if one is already asked for.
  void Schedule(Node* node) noexcept;

  // Runs `work` in the lane's node, between turns. In order of Post.
  void Post(Node* node, std::function<void()> work);

  int threads() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tacho
