// How a worker lets time pass in partitions that are empty.

#include <algorithm>
#include <utility>

#include "pipeline/worker/worker.h"

namespace tacho {
namespace {

constexpr Millis kLeastInterval{1000};
constexpr Millis kMostInterval{10000};

}  // namespace

// Bounded runs replay history: the clock says nothing about it.
void Worker::StartIdleChecks() {
  const bool on = job_.idle_advance == IdleAdvance::kAuto
                      ? !options_.until_end
                      : job_.idle_advance == IdleAdvance::kOn;
  if (!on) return;
  idle_prober_ = std::make_unique<IdleProber>(
      *parts_.log, clock_,
      [this](const TopicPartition& tp, const IdleProof& proof) {
        Post([this, tp, proof] { return HandleIdle(tp, proof); });
      });
  idle_interval_ =
      options_.idle_interval > Millis(0)
          ? options_.idle_interval
          : std::clamp(job_.idle_timeout / 6, kLeastInterval, kMostInterval);
  next_idle_ = clock_.Steady() + idle_interval_;
}

void Worker::CheckIdleIfDue() {
  if (clock_.Steady() < next_idle_) return;
  next_idle_ = clock_.Steady() + idle_interval_;
  const SteadyTime last = clock_.Steady() - job_.idle_timeout;
  std::vector<TopicPartition> idle;
  for (const auto& entry : lanes_->entries()) {
    const Lane& lane = *entry->lane;
    if (!entry->running || lane.ended() || lane.idle_since() > last) continue;
    idle.push_back(lane.tp());
  }
  // If the last list is still being asked about, the next check comes soon.
  if (!idle.empty()) idle_prober_->Ask(std::move(idle));
}

// The partition may have gone, or gone and come back: the lane sees whether the
// proof is about where it stands.
Status Worker::HandleIdle(const TopicPartition& tp, const IdleProof& proof) {
  LaneSet::Entry* const entry = lanes_->Find(tp);
  if (entry == nullptr || !entry->running) return Status::Ok();
  graph_->Post(entry->node,
               [lane = entry->lane.get(), proof] { lane->AdvanceIdle(proof); });
  return Status::Ok();
}

}  // namespace tacho
