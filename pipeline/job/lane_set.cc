#include "pipeline/job/lane_set.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

// Closing waits for the disk; more threads than this do not make it faster.
constexpr size_t kCloseThreads = 4;

void CloseLane(Lane& lane) {
  const Status status = lane.Close();
  if (status.ok()) return;
  LOG(kError, "lane_close_failed",
      {{"topic", lane.tp().topic},
       {"partition", lane.tp().partition},
       {"reason", status.message()}});
}

}  // namespace

LaneMetrics& LaneCounters::Of(const TopicPartition& tp) {
  const std::lock_guard lock(mutex_);
  auto& slot = metrics_[tp];
  if (slot == nullptr) slot = std::make_unique<LaneMetrics>();
  return *slot;
}

LaneTotals LaneCounters::Totals() const {
  const std::lock_guard lock(mutex_);
  LaneTotals totals;
  totals.state_not_moved = state_not_moved_.value();
  for (const auto& [tp, m] : metrics_) {
    totals.messages += m->messages.value();
    totals.message_bytes += m->message_bytes.value();
    totals.records += m->records.value();
    totals.outputs += m->outputs.value();
    totals.late += m->late.value();
    totals.filtered += m->filtered.value();
    totals.skipped += m->skipped.value();
    for (size_t i = 0; i < kRejectReasons; ++i) {
      totals.rejects[i] += m->rejects[i].value();
    }
  }
  return totals;
}

LaneSet::Entry& LaneSet::Add(std::unique_ptr<Lane> lane) {
  auto entry = std::make_unique<Entry>();
  entry->node = graph_.Attach(*lane);
  entry->lane = std::move(lane);
  const std::lock_guard lock(mutex_);
  entries_.push_back(std::move(entry));
  return *entries_.back();
}

void LaneSet::Run(Entry& entry) {
  entry.running = true;
  LaneGraph* const graph = &graph_;
  LaneGraph::Node* const node = entry.node;
  entry.lane->reader().EnableReadable([graph, node] { graph->Schedule(node); });
  // Messages may have come before the callback was there.
  graph_.Schedule(node);
}

LaneSet::Entry* LaneSet::Find(const TopicPartition& tp) {
  for (const auto& entry : entries_) {
    if (entry->lane->tp() == tp) return entry.get();
  }
  return nullptr;
}

void LaneSet::StopAll() {
  for (const auto& entry : entries_) entry->lane->Stop();
}

std::vector<std::unique_ptr<Lane>> LaneSet::TakeAll() {
  StopAll();
  std::vector<std::unique_ptr<Lane>> lanes;
  for (const auto& entry : entries_) {
    entry->lane->reader().DisableReadable();
    graph_.Detach(entry->node);
  }
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries_) lanes.push_back(std::move(entry->lane));
  entries_.clear();
  return lanes;
}

void LaneSet::CloseAll() { CloseLanes(TakeAll()); }

void LaneSet::ForEach(const std::function<void(Lane&)>& visit) const {
  const std::lock_guard lock(mutex_);
  for (const auto& entry : entries_) visit(*entry->lane);
}

void CloseLanes(std::vector<std::unique_ptr<Lane>> lanes) {
  std::atomic<size_t> next{0};
  const auto close_some = [&] {
    for (size_t i = next++; i < lanes.size(); i = next++) CloseLane(*lanes[i]);
  };
  std::vector<std::thread> threads;
  for (size_t i = 1; i < std::min(kCloseThreads, lanes.size()); ++i) {
    threads.emplace_back(close_some);
  }
  close_some();
  for (std::thread& thread : threads) thread.join();
}

}  // namespace tacho
