// LaneGraph on plain threads, in place of pipeline/lane/lane_graph.cc in the
// tsan preset: oneTBB is not instrumented, so with it the thread sanitizer sees
// races that are none and hides those that are ours. The contract is the same
// (lane_graph_test holds both to it); speed is not the point.

#include <algorithm>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <semaphore>
#include <thread>
#include <utility>
#include <vector>

#include "pipeline/lane/lane_graph.h"

namespace tacho {

struct LaneGraph::Node {
  // All under the graph's mutex.
  LaneTask* task = nullptr;
  std::deque<std::function<void()>> work;
  bool wants_turn = false;
  bool in_line = false;  // In `ready`, or being run.
};

struct LaneGraph::Impl {
  Impl(int threads, const SignalSchema& schema) {
    for (int i = 0; i < threads; ++i) {
      workers.emplace_back([this, schema] { Run(schema); });
    }
  }

  void Run(const SignalSchema& schema) {
    Batch batch(schema);
    std::unique_lock lock(mutex);
    while (true) {
      wake.wait(lock, [this] { return stop || !ready.empty(); });
      if (ready.empty()) return;
      Node& node = *ready.front();
      ready.pop_front();
      if (!node.work.empty()) {
        const auto work = std::move(node.work.front());
        node.work.pop_front();
        lock.unlock();
        work();
        lock.lock();
      } else if (std::exchange(node.wants_turn, false) &&
                 node.task != nullptr) {
        LaneTask* const task = node.task;
        lock.unlock();
        batch.Clear();
        const bool more = task->RunTurn(batch);
        lock.lock();
        node.wants_turn = node.wants_turn || more;
      }
      node.in_line = false;
      LineUp(node);
    }
  }

  void LineUp(Node& node) {
    if (node.in_line || (node.work.empty() && !node.wants_turn)) return;
    node.in_line = true;
    ready.push_back(&node);
    wake.notify_one();
  }

  std::mutex mutex;
  std::condition_variable wake;
  std::deque<Node*> ready;
  bool stop = false;
  std::deque<Node> nodes;
  std::vector<Node*> free;
  std::vector<std::thread> workers;
};

LaneGraph::LaneGraph(int threads, const SignalSchema& schema)
    : impl_(std::make_unique<Impl>(threads, schema)) {}

LaneGraph::~LaneGraph() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
    impl_->wake.notify_all();
  }
  for (std::thread& worker : impl_->workers) worker.join();
}

LaneGraph::Node* LaneGraph::Attach(LaneTask& task) {
  const std::lock_guard lock(impl_->mutex);
  Node* node = nullptr;
  if (impl_->free.empty()) {
    node = &impl_->nodes.emplace_back();
  } else {
    node = impl_->free.back();
    impl_->free.pop_back();
  }
  node->task = &task;
  return node;
}

void LaneGraph::Detach(Node* node) {
  {
    const std::lock_guard lock(impl_->mutex);
    node->task = nullptr;
  }
  const auto done = std::make_shared<std::binary_semaphore>(0);
  Post(node, [done] { done->release(); });
  done->acquire();
  const std::lock_guard lock(impl_->mutex);
  impl_->free.push_back(node);
}

void LaneGraph::Schedule(Node* node) noexcept {
  const std::lock_guard lock(impl_->mutex);
  node->wants_turn = true;
  impl_->LineUp(*node);
}

void LaneGraph::Post(Node* node, std::function<void()> work) {
  const std::lock_guard lock(impl_->mutex);
  node->work.push_back(std::move(work));
  impl_->LineUp(*node);
}

int LaneGraph::threads() const {
  return static_cast<int>(impl_->workers.size());
}

}  // namespace tacho
