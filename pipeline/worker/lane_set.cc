#include "pipeline/worker/lane_set.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "pipeline/base/exit_watchdog.h"
#include "pipeline/base/log.h"
#include "pipeline/worker/metric_table.h"

namespace tacho {
namespace {

// Closing waits for the disk; more threads than this do not make it faster.
constexpr size_t kCloseThreads = 4;

constexpr Millis kCloseLimit{8000};  // Of one store, on the way out.

void CloseLane(Lane& lane) {
  const ExitStep step("close the store of " + lane.tp().ToString(),
                      kCloseLimit);
  const Status status = lane.Close();
  if (status.ok()) return;
  LOG(kError, "lane_close_failed",
      {{"topic", lane.tp().topic},
       {"partition", lane.tp().partition},
       {"reason", status.message()}});
}

}  // namespace

LaneMetrics& LaneCounters::Of(const TopicPartition& tp) {
  const MutexLock lock(mutex_);
  auto& slot = metrics_[tp];
  if (slot == nullptr) slot = std::make_unique<LaneMetrics>(reject_sites_);
  return *slot;
}

LaneMetrics LaneCounters::Totals() const {
  LaneMetrics totals(reject_sites_);
  const MutexLock lock(mutex_);
  for (const auto& [tp, metrics] : metrics_) AddTo(totals, *metrics);
  return totals;
}

LaneSet::Entry& LaneSet::Add(std::unique_ptr<Lane> lane, LaneClaim claim) {
  auto entry = std::make_unique<Entry>();
  entry->claim = std::move(claim);
  entry->node = graph_.Attach(*lane);
  entry->lane = std::move(lane);
  const MutexLock lock(mutex_);
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

bool LaneSet::HasOf(const EpochDriver& driver) const {
  return std::any_of(entries_.begin(), entries_.end(), [&](const auto& entry) {
    return entry->claim.driver == &driver;
  });
}

std::vector<std::unique_ptr<Lane>> LaneSet::TakeAll() {
  return Take([](const Entry& /*entry*/) { return true; });
}

std::vector<std::unique_ptr<Lane>> LaneSet::TakeOf(const EpochDriver& driver) {
  return Take([&](const Entry& e) { return e.claim.driver == &driver; });
}

std::vector<std::unique_ptr<Lane>> LaneSet::Take(
    const std::function<bool(const Entry&)>& wanted) {
  // Of all of them before the first is waited for.
  for (const auto& entry : entries_) {
    if (wanted(*entry)) entry->lane->Stop();
  }
  for (const auto& entry : entries_) {
    if (!wanted(*entry)) continue;
    entry->lane->reader().DisableReadable();
    graph_.Detach(entry->node);
  }
  const MutexLock lock(mutex_);
  const auto first =
      std::stable_partition(entries_.begin(), entries_.end(),
                            [&](const auto& entry) { return !wanted(*entry); });
  std::vector<std::unique_ptr<Lane>> lanes;
  for (auto it = first; it != entries_.end(); ++it) {
    lanes.push_back(std::move((*it)->lane));
  }
  entries_.erase(first, entries_.end());
  return lanes;
}

void LaneSet::CloseAll() { CloseLanes(TakeAll()); }

void LaneSet::ForEach(const std::function<void(Lane&)>& visit) const {
  const MutexLock lock(mutex_);
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
