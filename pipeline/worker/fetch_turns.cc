#include "pipeline/worker/fetch_turns.h"

#include <algorithm>
#include <latch>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

// How long a lane fetches before it makes room for another.
constexpr Millis kTurn{200};

}  // namespace

void FetchTurns::Add(const TopicPartition& tp, size_t owned) {
  if (fetching_.size() < most_) {
    fetching_.push_back(tp);
    return;
  }
  if (paused_.empty()) {
    LOG(kWarn, "fetch_in_turns",
        {{"owned", owned},
         {"at_once", most_},
         {"reason",
          "this worker owns more partitions than "
          "limits.partitions_per_worker; raise it, or start more workers"}});
    next_ = clock_.Steady() + kTurn;
  }
  Pause(tp);
  paused_.push_back(tp);
}

void FetchTurns::RotateIfDue() {
  if (paused_.empty() || clock_.Steady() < next_) return;
  next_ = clock_.Steady() + kTurn;
  for (size_t n = std::min(fetching_.size(), paused_.size()); n > 0; --n) {
    const TopicPartition old = fetching_.front();
    const TopicPartition next = paused_.front();
    fetching_.pop_front();
    paused_.pop_front();
    Pause(old);
    paused_.push_back(old);
    fetching_.push_back(next);
    Refetch(next);
  }
}

void FetchTurns::Pause(const TopicPartition& tp) {
  const Status paused = member_.Pause(tp);
  if (!paused.ok()) {
    LOG(kWarn, "pause_failed", {{"reason", paused.message()}});
  }
}

// How far it has got is sure once the batch in hand is done; it has no other.
void FetchTurns::Refetch(const TopicPartition& tp) {
  LaneSet::Entry* const entry = lanes_.Find(tp);
  if (entry == nullptr) return;
  std::latch done(1);
  graph_.Post(entry->node, [&done] { done.count_down(); });
  done.wait();
  const Status sought = member_.Seek(tp, entry->lane->next_offset());
  if (!sought.ok()) {
    LOG(kWarn, "resume_failed", {{"reason", sought.message()}});
  }
  graph_.Schedule(entry->node);
}

void FetchTurns::Forget() {
  fetching_.clear();
  paused_.clear();
  next_ = SteadyTime::max();
}

}  // namespace tacho
