#include "pipeline/job/lane_opener.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

constexpr Millis kCommittedTimeout{1000};
constexpr Millis kOneCommittedTimeout{250};
constexpr Millis kRetryDelay{50};
constexpr Millis kPollDelay{2};  // While a changelog has nothing to give.
constexpr Millis kReportInterval{2000};
// Side by side: each reads ahead and collects some 20 MB.
constexpr int64_t kMostReplays = 4;

}  // namespace

LaneOpener::LaneOpener(OpeningContext context, Millis patience, Events events)
    : context_(std::move(context)),
      patience_(patience),
      events_(std::move(events)) {
  thread_ = std::thread([this] { Run(); });
}

LaneOpener::~LaneOpener() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
    wake_.notify_all();
  }
  thread_.join();
}

void LaneOpener::Open(std::vector<OpenRequest> requests) {
  const std::lock_guard lock(mutex_);
  for (OpenRequest& request : requests) {
    requests_.push_back(std::move(request));
  }
  wake_.notify_all();
}

void LaneOpener::Cancel() {
  std::unique_lock lock(mutex_);
  cancel_ = true;
  hurry_ = true;
  wake_.notify_all();
  idle_.wait(lock, [this] { return !cancel_; });
}

void LaneOpener::Run() {
  while (true) {
    std::vector<OpenRequest> requests;
    bool cancel = false;
    {
      std::unique_lock lock(mutex_);
      if (active_.empty()) {
        wake_.wait(lock,
                   [this] { return stop_ || cancel_ || !requests_.empty(); });
      }
      if (stop_) break;
      cancel = cancel_;
      requests = std::move(requests_);
      requests_.clear();
    }
    if (cancel) {
      GiveUp(requests);
      const std::lock_guard lock(mutex_);
      cancel_ = hurry_ = false;
      idle_.notify_all();
      continue;
    }
    const SteadyTime now = context_.clock.Steady();
    for (OpenRequest& request : requests) {
      active_.push_back(
          {std::make_unique<LaneOpening>(std::move(request), context_), now});
    }
    if (AdvanceAll()) continue;
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, kPollDelay,
                   [this] { return stop_ || cancel_ || !requests_.empty(); });
  }
  std::vector<OpenRequest> none;
  GiveUp(none);
}

// What a restore has reached is kept; stores are closed side by side.
void LaneOpener::GiveUp(std::vector<OpenRequest>& requests) {
  std::vector<std::unique_ptr<Lane>> lanes;
  for (OpenRequest& request : requests) {
    if (request.suspended != nullptr) {
      lanes.push_back(std::move(request.suspended));
    }
  }
  requests.clear();
  for (Active& active : active_) active.opening->GiveUp(lanes);
  active_.clear();
  CloseLanes(std::move(lanes));
}

bool LaneOpener::AdvanceAll() {
  bool progressed = AskCommitted();
  auto replays =
      std::count_if(active_.begin(), active_.end(),
                    [](const auto& a) { return a.opening->replays(); });
  for (Active& active : active_) {
    if (hurry_) break;
    if (active.failed || active.opening->needs_committed()) continue;
    if (active.opening->wants_to_replay() && replays++ >= kMostReplays) {
      active.progress_at = context_.clock.Steady();  // It is not its fault.
      continue;
    }
    progressed = Advance(active) || progressed;
  }
  std::erase_if(active_, [](const Active& a) {
    return a.failed || a.opening == nullptr;
  });
  ReportIfDue();
  return progressed;
}

bool LaneOpener::Advance(Active& active) {
  if (context_.clock.Steady() < active.retry_at) return false;
  const Result<bool> progressed = active.opening->Step();
  if (!progressed.ok()) {
    OnError(active, progressed.status().With("take-over of " +
                                             active.opening->tp().ToString()));
    return false;
  }
  if (active.opening->done()) {
    events_.on_opened(active.opening->Take());
    active.opening.reset();
    return true;
  }
  if (*progressed) {
    active.progress_at = context_.clock.Steady();
  } else if (context_.clock.Steady() - active.progress_at > patience_) {
    OnError(active,
            {StatusCode::kUnavailable,
             "the changelog of " + active.opening->tp().ToString() +
                 " does not reach its end: a transaction on it stays open",
             true});
  }
  return *progressed;
}

void LaneOpener::OnError(Active& active, const Status& status) {
  const SteadyTime now = context_.clock.Steady();
  if (active.opening->waits_for_owner()) active.progress_at = now;
  if (status.retryable() && now - active.progress_at <= patience_) {
    LOG(kWarn, "take_over_retry", {{"reason", status.message()}});
    active.retry_at = now + kRetryDelay;
    return;
  }
  active.failed = true;
  events_.on_failed(active.opening->tp(), status);
}

// One question for all lanes. The answer waits for pending transactions of any
// of them; if there is one, each lane is asked about on its own, so that only
// those wait whose partition is meant.
bool LaneOpener::AskCommitted() {
  std::vector<TopicPartition> waiting;
  for (const Active& active : active_) {
    if (active.opening->needs_committed())
      waiting.push_back(active.opening->tp());
  }
  if (waiting.empty()) {
    one_by_one_ = false;
    return false;
  }
  if (!one_by_one_) {
    const auto answer = context_.source.Committed(waiting, kCommittedTimeout);
    if (answer.ok()) {
      for (const PartitionOffset& committed : *answer) SetCommitted(committed);
      return true;
    }
    one_by_one_ = true;
  }
  bool progressed = false;
  for (Active& active : active_) {
    if (hurry_) break;
    if (!active.opening->needs_committed()) continue;
    const auto answer =
        context_.source.Committed({active.opening->tp()}, kOneCommittedTimeout);
    if (answer.ok()) {
      SetCommitted(answer->front());
      progressed = true;
    } else {
      OnError(active, answer.status());
    }
  }
  return progressed;
}

void LaneOpener::SetCommitted(const PartitionOffset& committed) {
  for (Active& active : active_) {
    if (active.opening->tp() != committed.tp) continue;
    active.opening->SetCommitted(committed);
    active.progress_at = context_.clock.Steady();
  }
}

void LaneOpener::ReportIfDue() {
  const SteadyTime now = context_.clock.Steady();
  uint64_t records = 0;
  uint64_t bytes = 0;
  int64_t left = 0;
  int64_t lanes = 0;
  for (const Active& active : active_) {
    const auto progress = active.opening->progress();
    if (!progress.has_value()) continue;
    ++lanes;
    records += progress->records;
    bytes += progress->bytes;
    left += std::max<int64_t>(0, progress->end - progress->position);
  }
  if (lanes == 0) {
    next_report_ = now + kReportInterval;
    reported_records_ = 0;
    reported_at_ = now;
    return;
  }
  if (now < next_report_) return;
  const double seconds =
      std::chrono::duration<double>(now - reported_at_).count();
  // Lanes that are done leave the sum; the rate is of those that remain.
  const double rate =
      seconds <= 0 || records < reported_records_
          ? 0
          : static_cast<double>(records - reported_records_) / seconds;
  LOG(kInfo, "restore_progress",
      {{"lanes", lanes},
       {"records", records},
       {"bytes", bytes},
       {"offsets_left", left},
       {"records_per_second", static_cast<int64_t>(rate)},
       {"seconds_left",
        rate > 0 ? static_cast<int64_t>(static_cast<double>(left) / rate)
                 : -1}});
  next_report_ = now + kReportInterval;
  reported_records_ = records;
  reported_at_ = now;
}

}  // namespace tacho
