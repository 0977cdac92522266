#include "pipeline/worker/idle_prober.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

// Short, because a stop waits for it; who is not answered asks again.
constexpr Millis kAnswerTimeout{1000};

}  // namespace

IdleProber::IdleProber(PartitionLog& log, const Clock& clock, OnEmpty on_empty)
    : log_(log), clock_(clock), on_empty_(std::move(on_empty)) {
  thread_ = std::thread([this] { Run(); });
}

IdleProber::~IdleProber() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
    wake_.NotifyAll();
  }
  thread_.join();
}

bool IdleProber::Ask(std::vector<TopicPartition> partitions) {
  const MutexLock lock(mutex_);
  if (busy_) return false;
  list_ = std::move(partitions);
  busy_ = true;
  wake_.NotifyAll();
  return true;
}

bool IdleProber::stopped() {
  const MutexLock lock(mutex_);
  return stop_;
}

void IdleProber::Run() {
  while (true) {
    std::vector<TopicPartition> list;
    {
      const MutexLock lock(mutex_);
      wake_.Wait(mutex_, [this]() REQUIRES(mutex_) { return stop_ || busy_; });
      list = std::exchange(list_, {});
    }
    std::erase_if(holds_, [&](const auto& entry) {
      return std::find(list.begin(), list.end(), entry.first) == list.end();
    });
    CountHolds();
    for (const TopicPartition& tp : list) {
      if (stopped()) return;
      AskOne(tp);
    }
    const MutexLock lock(mutex_);
    if (stop_) return;
    busy_ = false;
  }
}

// Messages that are there, and that an open transaction keeps from us.
void IdleProber::WatchHold(const TopicPartition& tp, const LogEnd& end) {
  const auto now = clock_.Steady();
  Hold& hold = holds_[tp];
  if (hold.last_stable != end.last_stable) hold = {end.last_stable, now, false};
  if (now - hold.since >= kHoldAfter && !std::exchange(hold.told, true)) {
    LogTransactionHold("for messages of its input", tp, log_.InputHold(tp, end),
                       std::chrono::duration_cast<Millis>(now - hold.since));
  }
  CountHolds();
}

void IdleProber::CountHolds() {
  held_up_ = static_cast<int>(
      std::count_if(holds_.begin(), holds_.end(),
                    [](const auto& entry) { return entry.second.told; }));
}

void IdleProber::AskOne(const TopicPartition& tp) {
  // Before the question: what comes while it is under way is not in the proof.
  const auto asked_at = clock_.Steady();
  const Result<LogEnd> end = log_.End(tp, kAnswerTimeout);
  if (!end.ok()) {
    LOG(kDebug, "idle_not_known",
        {{"topic", tp.topic},
         {"partition", tp.partition},
         {"reason", end.status().message()}});
    return;
  }
  if (end->last_stable != end->high_watermark) return WatchHold(tp, *end);
  holds_.erase(tp);
  CountHolds();
  on_empty_(tp, {end->high_watermark, asked_at});
}

}  // namespace tacho
