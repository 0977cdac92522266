#include "pipeline/lane/lane_graph.h"

#include <oneapi/tbb/concurrent_queue.h>
#include <oneapi/tbb/flow_graph.h>
#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <memory>
#include <semaphore>
#include <utility>
#include <vector>

#include "pipeline/base/check.h"

namespace tacho {
namespace {

// What flows into a node: a turn, or work posted from outside.
struct Token {
  std::shared_ptr<std::function<void()>> work;  // Null: a turn. Cold path.
};

}  // namespace

struct LaneGraph::Node {
  //            Schedule            a runner takes it        Schedule
  //   kIdle ──────────────▶ kQueued ─────────▶ kRunning ──────────────▶ kAgain
  //     ▲                      ▲                  │  │                    │
  //     └──────────────────────┼── nothing more ──┘  │                    │
  //                            └───────── more ──────┴──── turn is over ──┘
  // A lane is in `ready` only while it is kQueued, so that no runner ever
  // waits for a lane that another one is running.
  enum State { kIdle, kQueued, kRunning, kAgain };

  std::unique_ptr<tbb::flow::function_node<Token>> flow;
  std::atomic<LaneTask*> task{nullptr};
  std::atomic<State> state{kIdle};
};

struct LaneGraph::Impl {
  Impl(int thread_count, const SignalSchema& schema)
      : threads(thread_count),
        limit(tbb::global_control::max_allowed_parallelism,
              static_cast<size_t>(thread_count) + 1),
        arena(thread_count, /*reserved_for_masters=*/0) {
    // An arena of one thread has two slots, and its worker may take either.
    for (int i = 0; i < std::max(2, thread_count); ++i) {
      batches.push_back(std::make_unique<Batch>(schema));
    }
    // A graph belongs to the arena in which it is made.
    arena.execute([this] { graph = std::make_unique<tbb::flow::graph>(); });
  }

  void Run(Node& node, const Token& token) noexcept {
    if (token.work != nullptr) {
      (*token.work)();
      return;
    }
    // Before the look: whatever arrives from here on asks for another turn.
    node.state.store(Node::kRunning);
    bool more = false;
    LaneTask* const task = node.task.load();
    if (task != nullptr) {
      Batch& batch = BatchOfThisThread();
      batch.Clear();
      more = task->RunTurn(batch);
    }
    Node::State running = Node::kRunning;
    if (more || !node.state.compare_exchange_strong(running, Node::kIdle)) {
      node.state.store(Node::kQueued);
      ready.push(&node);
    }
    Next();
  }

  Batch& BatchOfThisThread() {
    const int slot = tbb::this_task_arena::current_thread_index();
    CHECK(slot >= 0 && static_cast<size_t>(slot) < batches.size());
    return *batches[static_cast<size_t>(slot)];
  }

  // A runner has finished its turn: it takes the next lane in line. The last
  // look closes the gap between an empty queue and giving up the runner.
  void Next() {
    Node* node = nullptr;
    while (!ready.try_pop(node)) {
      runners.fetch_sub(1);
      if (ready.empty() || !TakeRunner()) return;
    }
    node->flow->try_put(Token{});
  }

  bool TakeRunner() {
    int running = runners.load();
    while (running < threads) {
      if (runners.compare_exchange_weak(running, running + 1)) return true;
    }
    return false;
  }

  // Members in order of construction: nodes go before their graph, the graph
  // before its arena.
  const int threads;
  tbb::global_control limit;
  tbb::task_arena arena;
  std::unique_ptr<tbb::flow::graph> graph;
  std::vector<std::unique_ptr<Batch>> batches;  // By slot of the arena.
  tbb::concurrent_queue<Node*> ready;           // Lanes that want a turn.
  std::atomic<int> runners{0};                  // Turns under way.
  std::deque<Node> nodes;                       // Control thread only.
  std::vector<Node*> free;
};

LaneGraph::LaneGraph(int threads, const SignalSchema& schema)
    : impl_(std::make_unique<Impl>(threads, schema)) {}

LaneGraph::~LaneGraph() { impl_->graph->wait_for_all(); }

LaneGraph::Node* LaneGraph::Attach(LaneTask& task) {
  Node* node = nullptr;
  if (impl_->free.empty()) {
    node = &impl_->nodes.emplace_back();
    node->flow = std::make_unique<tbb::flow::function_node<Token>>(
        *impl_->graph, tbb::flow::serial,
        [impl = impl_.get(), node](const Token& token) {
          impl->Run(*node, token);
        });
  } else {
    node = impl_->free.back();
    impl_->free.pop_back();
  }
  node->task.store(&task);
  return node;
}

void LaneGraph::Detach(Node* node) {
  node->task.store(nullptr);
  // The node is serial: when this token has run, no turn that saw the task is
  // running. A turn still in line finds no task.
  const auto done = std::make_shared<std::binary_semaphore>(0);
  Post(node, [done] { done->release(); });
  done->acquire();
  impl_->free.push_back(node);
}

void LaneGraph::Schedule(Node* node) noexcept {
  Node::State state = node->state.load();
  Node::State next;
  do {
    if (state == Node::kQueued || state == Node::kAgain) return;
    next = state == Node::kIdle ? Node::kQueued : Node::kAgain;
  } while (!node->state.compare_exchange_weak(state, next));
  if (next == Node::kAgain) return;
  impl_->ready.push(node);
  if (impl_->TakeRunner()) impl_->Next();
}

void LaneGraph::Post(Node* node, std::function<void()> work) {
  node->flow->try_put(
      Token{std::make_shared<std::function<void()>>(std::move(work))});
}

int LaneGraph::threads() const { return impl_->threads; }

}  // namespace tacho
