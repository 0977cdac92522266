#include "pipeline/worker/take_over_thread.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

constexpr Millis kCommittedTimeout{1000};
constexpr Millis kOneCommittedTimeout{250};
constexpr Millis kCheckTimeout{1000};  // A revoke waits for it.
constexpr Millis kRetryDelay{50};
constexpr Millis kHeldRetryDelay{1000};
constexpr Millis kHoldAskInterval{5000};
constexpr Millis kPollDelay{2};  // While a changelog has nothing to give.
constexpr Millis kReportInterval{2000};
constexpr Millis kPublishInterval{200};
constexpr int kStoresAhead = 4;  // Opened side by side.

}  // namespace

TakeOverThread::TakeOverThread(TakeOverContext context, Millis patience,
                               Events events)
    : context_(std::move(context)),
      patience_(patience),
      events_(std::move(events)) {
  thread_ = std::thread([this] { Run(); });
}

TakeOverThread::~TakeOverThread() {
  {
    const MutexLock lock(mutex_);
    stop_ = true;
    wake_.NotifyAll();
  }
  thread_.join();
}

void TakeOverThread::Open(std::vector<TakeOverRequest> requests) {
  const MutexLock lock(mutex_);
  for (TakeOverRequest& request : requests) {
    requests_.push_back(std::move(request));
  }
  wake_.NotifyAll();
}

void TakeOverThread::Cancel() {
  const MutexLock lock(mutex_);
  cancel_ = true;
  hurry_ = true;
  wake_.NotifyAll();
  idle_.Wait(mutex_, [this]() REQUIRES(mutex_) { return !cancel_; });
}

void TakeOverThread::Run() {
  while (true) {
    std::vector<TakeOverRequest> requests;
    bool cancel = false;
    bool quiet = false;
    {
      const MutexLock lock(mutex_);
      if (active_.empty()) {
        quiet = !wake_.WaitFor(mutex_, context_.changelog_check,
                               [this]() REQUIRES(mutex_) {
                                 return stop_ || cancel_ || !requests_.empty();
                               });
      }
      if (stop_) break;
      cancel = cancel_;
      requests = std::move(requests_);
      requests_.clear();
    }
    if (quiet) {
      CheckChangelogs();
      continue;
    }
    if (cancel) {
      GiveUp(requests);
      Publish();
      const MutexLock lock(mutex_);
      cancel_ = hurry_ = false;
      idle_.NotifyAll();
      continue;
    }
    const SteadyTime now = context_.clock.Steady();
    if (!requests.empty()) context_.generations.clear();
    for (TakeOverRequest& request : requests) {
      active_.push_back(
          {std::make_unique<LaneTakeOver>(std::move(request), context_), now});
    }
    if (AdvanceAll()) continue;
    const MutexLock lock(mutex_);
    (void)wake_.WaitFor(mutex_, kPollDelay, [this]() REQUIRES(mutex_) {
      return stop_ || cancel_ || !requests_.empty();
    });
  }
  std::vector<TakeOverRequest> none;
  GiveUp(none);
}

// What a restore has reached is kept; stores are closed side by side.
void TakeOverThread::GiveUp(std::vector<TakeOverRequest>& requests) {
  std::vector<std::unique_ptr<Lane>> lanes;
  for (TakeOverRequest& request : requests) {
    if (request.suspended != nullptr) {
      lanes.push_back(std::move(request.suspended));
    }
  }
  requests.clear();
  for (Active& active : active_) active.take_over->GiveUp(lanes);
  active_.clear();
  context_.stores.CancelPrepared();
  CloseLanes(std::move(lanes));
}

bool TakeOverThread::AdvanceAll() {
  bool progressed = AskCommitted();
  auto replays =
      std::count_if(active_.begin(), active_.end(),
                    [](const auto& a) { return a.take_over->replays(); });
  PrepareStores();
  // Those that replay advance side by side. Of the others one is brought as far
  // as it gets before the next is begun: so the first of many is soon ready.
  bool brought = false;
  for (Active& active : active_) {
    if (hurry_) break;
    if (active.failed || active.take_over->needs_committed()) continue;
    const bool replays_now = active.take_over->replays();
    if (!replays_now && brought) {
      active.progress_at = context_.clock.Steady();  // It waits in line.
      continue;
    }
    if (active.take_over->wants_to_replay() && replays++ >= kMostReplays) {
      active.progress_at = context_.clock.Steady();  // It is not its fault.
      continue;
    }
    bool further = Advance(active);
    progressed = further || progressed;
    while (further && !replays_now && !hurry_) {
      brought = true;
      const LaneTakeOver* const take_over = active.take_over.get();
      if (take_over == nullptr || take_over->needs_committed() ||
          take_over->replays() || take_over->wants_to_replay()) {
        break;
      }
      further = Advance(active);
    }
  }
  std::erase_if(active_, [](const Active& a) {
    return a.failed || a.take_over == nullptr;
  });
  held_up_ = static_cast<int>(
      std::count_if(active_.begin(), active_.end(),
                    [](const Active& a) { return a.hold_told; }));
  ReportIfDue();
  if (context_.clock.Steady() >= next_publish_ || active_.empty()) Publish();
  return progressed;
}

void TakeOverThread::Publish() {
  next_publish_ = context_.clock.Steady() + kPublishInterval;
  int committed = 0;
  int restores = 0;
  int others = 0;
  std::string transactions;
  for (const Active& active : active_) {
    if (active.hold_told) {
      transactions += ", transaction " + active.take_over->tp().ToString();
    } else if (active.take_over->needs_committed()) {
      ++committed;
    } else if (active.take_over->wants_to_replay() ||
               active.take_over->replays()) {
      ++restores;
    } else {
      ++others;
    }
  }
  std::string text;
  const auto add = [&text](const char* what, int count) {
    if (count == 0) return;
    text += ", " + std::string(what) + " " + std::to_string(count);
  };
  add("committed_offsets", committed);
  add("restore", restores);
  add("start", others);
  text += transactions;
  blocked_ = !transactions.empty();
  const MutexLock lock(mutex_);
  waiting_for_ = text.empty() ? text : text.substr(2);
}

std::string TakeOverThread::WaitingFor() const {
  const MutexLock lock(mutex_);
  return waiting_for_;
}

void TakeOverThread::GotFurther(Active& active, SteadyTime now) {
  active.progress_at = now;
  active.held_since = {};
  active.hold_told = false;
}

// Most of what a lane waits for is its store's disk.
void TakeOverThread::PrepareStores() {
  int prepared = 0;
  for (const Active& active : active_) {
    if (active.failed || !active.take_over->wants_store()) continue;
    context_.stores.Prepare(active.take_over->tp(), context_.tables);
    if (++prepared == kStoresAhead) return;
  }
}

bool TakeOverThread::Advance(Active& active) {
  if (context_.clock.Steady() < active.retry_at) return false;
  const Result<bool> progressed = active.take_over->Step();
  if (!progressed.ok()) {
    OnError(active, progressed.status().With(
                        "take-over of " + active.take_over->tp().ToString()));
    return false;
  }
  if (active.take_over->done()) {
    events_.on_opened(active.take_over->Take());
    active.take_over.reset();
    return true;
  }
  if (*progressed) {
    GotFurther(active, context_.clock.Steady());
  } else if (!HeldUp(active) &&
             context_.clock.Steady() - active.progress_at > patience_) {
    OnError(active, {StatusCode::kUnavailable,
                     "the changelog of " + active.take_over->tp().ToString() +
                         " gives no records: no broker answers",
                     true});
  }
  return *progressed;
}

// Its patience is not at stake then: what is open ends some day, the lane goes
// on by itself, and a worker that gave up would do no better when it is back.
bool TakeOverThread::HeldUp(Active& active) {
  const SteadyTime now = context_.clock.Steady();
  if (!active.hold_told &&
      now - active.progress_at < std::min(kHoldAfter, patience_)) {
    return false;
  }
  if (now - active.hold_asked_at < kHoldAskInterval) return active.hold_told;
  active.hold_asked_at = now;
  const auto hold = active.take_over->Hold();
  if (!hold.ok() || !hold->has_value()) {
    active.hold_told = false;
    return false;
  }
  if (active.held_since == SteadyTime{}) active.held_since = active.progress_at;
  active.progress_at = now;
  if (!std::exchange(active.hold_told, true)) {
    LogTransactionHold(
        active.take_over->waits_for(), active.take_over->tp(), **hold,
        std::chrono::duration_cast<Millis>(now - active.held_since));
  }
  return true;
}

void TakeOverThread::OnError(Active& active, const Status& status) {
  const SteadyTime now = context_.clock.Steady();
  if (active.take_over->waits_for_owner()) active.progress_at = now;
  if (status.retryable()) {
    const bool held = HeldUp(active);
    if (held || now - active.progress_at <= patience_) {
      // What holds it up has been told.
      if (!held) LOG(kWarn, "take_over_retry", {{"reason", status.message()}});
      active.retry_at = now + (held ? kHeldRetryDelay : kRetryDelay);
      return;
    }
  }
  active.failed = true;
  events_.on_failed(active.take_over->tp(), status);
}

// One question for all lanes. The answer waits for pending transactions of any
// of them; if there is one, each lane is asked about on its own, so that only
// those wait whose partition is meant.
bool TakeOverThread::AskCommitted() {
  std::vector<TopicPartition> waiting;
  for (const Active& active : active_) {
    if (active.take_over->needs_committed())
      waiting.push_back(active.take_over->tp());
  }
  if (waiting.empty()) {
    one_by_one_ = false;
    return false;
  }
  if (!one_by_one_) {
    const auto answer = context_.log.Committed(waiting, kCommittedTimeout);
    if (answer.ok()) {
      for (const PartitionOffset& committed : *answer) SetCommitted(committed);
      return true;
    }
    one_by_one_ = true;
  }
  bool progressed = false;
  for (Active& active : active_) {
    if (hurry_) break;
    if (!active.take_over->needs_committed()) continue;
    if (context_.clock.Steady() < active.retry_at) continue;
    const auto answer =
        context_.log.Committed({active.take_over->tp()}, kOneCommittedTimeout);
    if (answer.ok()) {
      SetCommitted(answer->front());
      progressed = true;
    } else {
      OnError(active, answer.status());
    }
  }
  return progressed;
}

void TakeOverThread::SetCommitted(const PartitionOffset& committed) {
  for (Active& active : active_) {
    if (active.take_over->tp() != committed.tp) continue;
    active.take_over->SetCommitted(committed);
    GotFurther(active, context_.clock.Steady());
  }
}

void TakeOverThread::CheckChangelogs() {
  if (context_.changelog == nullptr) return;
  const auto faults = context_.changelog->Recheck(kCheckTimeout);
  if (!faults.ok()) {
    LOG(kWarn, "changelog_check_failed",
        {{"reason", faults.status().message()}});
    return;
  }
  for (const Status& fault : *faults) {
    LOG(kError, "changelog_unfit", {{"reason", fault.message()}});
  }
}

void TakeOverThread::ReportIfDue() {
  const SteadyTime now = context_.clock.Steady();
  uint64_t records = 0;
  uint64_t bytes = 0;
  int64_t left = 0;
  int64_t lanes = 0;
  for (const Active& active : active_) {
    const auto progress = active.take_over->progress();
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
