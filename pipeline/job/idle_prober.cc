#include "pipeline/job/idle_prober.h"

#include <utility>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

// Short, because a stop waits for it; who is not answered asks again.
constexpr Millis kAnswerTimeout{1000};

}  // namespace

IdleProber::IdleProber(MessageSource& source, const Clock& clock,
                       OnEmpty on_empty)
    : source_(source), clock_(clock), on_empty_(std::move(on_empty)) {
  thread_ = std::thread([this] { Run(); });
}

IdleProber::~IdleProber() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

bool IdleProber::Ask(std::vector<TopicPartition> partitions) {
  const std::lock_guard lock(mutex_);
  if (busy_) return false;
  list_ = std::move(partitions);
  busy_ = true;
  wake_.notify_all();
  return true;
}

bool IdleProber::stopped() {
  const std::lock_guard lock(mutex_);
  return stop_;
}

void IdleProber::Run() {
  while (true) {
    std::vector<TopicPartition> list;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stop_ || busy_; });
      list = std::exchange(list_, {});
    }
    for (const TopicPartition& tp : list) {
      if (stopped()) return;
      AskOne(tp);
    }
    const std::lock_guard lock(mutex_);
    if (stop_) return;
    busy_ = false;
  }
}

void IdleProber::AskOne(const TopicPartition& tp) {
  // Before the question: what comes while it is under way is not in the proof.
  const Timestamp asked_at = clock_.Now();
  const Result<LogEnd> end = source_.End(tp, kAnswerTimeout);
  if (!end.ok()) {
    LOG(kDebug, "idle_not_known",
        {{"topic", tp.topic},
         {"partition", tp.partition},
         {"reason", end.status().message()}});
    return;
  }
  if (end->last_stable != end->high_watermark) return;
  on_empty_(tp, {end->high_watermark, asked_at});
}

}  // namespace tacho
