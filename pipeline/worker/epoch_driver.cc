#include "pipeline/worker/epoch_driver.h"

#include <algorithm>
#include <latch>
#include <string>
#include <utility>

#include "pipeline/base/check.h"
#include "pipeline/base/log.h"

namespace tacho {
namespace {

constexpr uint64_t kLeastEpochBytes = uint64_t{1} << 20;

using State = EpochDriver::State;

// The arrows of the drawing.
constexpr std::pair<State, State> kMoves[] = {
    {State::kIdle, State::kCommitting},
    {State::kIdle, State::kSettling},
    {State::kCommitting, State::kIdle},
    {State::kOrphaned, State::kIdle},
    {State::kCommitting, State::kOrphaned},
    {State::kSettling, State::kIdle},
    {State::kCommitting, State::kSettling},
    {State::kOrphaned, State::kSettling},
};

// A fence says nothing about the brokers, nor about an epoch's size.
bool IsFault(CommitOutcome outcome) {
  return outcome == CommitOutcome::kFailed ||
         outcome == CommitOutcome::kNotApplied;
}

}  // namespace

EpochDriver::EpochDriver(std::unique_ptr<EpochWriter> writer, LaneGraph& graph,
                         LaneSet& lanes, std::shared_ptr<EpochBudget> budget,
                         const EpochDriverOptions& options, EpochEvents& events,
                         const Clock& clock)
    : graph_(graph),
      lanes_(lanes),
      budget_(std::move(budget)),
      options_(options),
      events_(events),
      clock_(clock),
      started_at_(clock.Steady()),
      due_(started_at_ + options.interval),
      writer_(std::move(writer)),
      writer_metrics_(writer_->metrics()),
      commit_thread_(std::make_unique<CommitThread>(
          *writer_, clock, [this](CommitThread::Done done) {
            {
              const MutexLock lock(mutex_);
              answer_ = std::move(done);
              wake_.NotifyAll();
            }
            events_.OnAnswer();
          })) {}

EpochDriver::~EpochDriver() { Stop(); }

void EpochDriver::Enter(State next) {
  const bool drawn = next == State::kFailed ||
                     std::find(std::begin(kMoves), std::end(kMoves),
                               std::pair(state_, next)) != std::end(kMoves);
  CHECK(drawn);
  state_ = next;
}

// ---- An epoch.

bool EpochDriver::StartCommit() {
  CHECK(idle());
  due_ = clock_.Steady() + options_.interval;
  Epoch epoch;
  FreezeLanes(epoch);
  if (epoch.parts.empty()) return false;
  Enter(State::kCommitting);
  started_at_ = clock_.Steady();
  commit_thread_->Commit(std::move(epoch), Retries());
  return true;
}

RetryPolicy EpochDriver::Retries() const {
  RetryPolicy retry;
  retry.give_up_after = options_.broker_timeout;
  return retry;
}

// A token through every lane's node; each answers at a batch boundary.
void EpochDriver::FreezeLanes(Epoch& epoch) {
  std::vector<LaneSet::Entry*> running;
  for (const auto& entry : lanes_.entries()) {
    if (entry->claim.driver == this && entry->running) {
      running.push_back(entry.get());
    }
  }
  if (running.empty()) return;
  std::vector<LaneEpoch*> parts(running.size());
  std::latch frozen(static_cast<ptrdiff_t>(running.size()));
  for (size_t i = 0; i < running.size(); ++i) {
    graph_.Post(running[i]->node, [this, i, &running, &parts, &frozen] {
      parts[i] = &running[i]->lane->Freeze();
      graph_.Schedule(running[i]->node);  // It may have waited for this.
      frozen.count_down();
    });
  }
  frozen.wait();
  for (size_t i = 0; i < running.size(); ++i) {
    if (!parts[i]->changed) continue;
    // What fences one part must fence them all.
    const GroupMembership& membership = running[i]->claim.membership;
    if (epoch.parts.empty()) epoch.membership = membership;
    CHECK(membership == epoch.membership);
    epoch.parts.push_back({parts[i], running[i]->lane.get()});
  }
}

// State has reached the stores: lanes may forget what the epoch held.
void EpochDriver::FinishEpoch(const Epoch& epoch) {
  for (const auto& entry : lanes_.entries()) {
    for (const Epoch::Part& part : epoch.parts) {
      if (part.owner != entry->lane.get()) continue;
      graph_.Post(entry->node, [lane = entry->lane.get()] { lane->Applied(); });
    }
  }
}

// An epoch that was too large to come through in time is followed by smaller
// ones, which grow again slowly.
void EpochDriver::AdaptEpochBytes(bool committed) {
  const uint64_t most = options_.epoch_bytes;
  const uint64_t bytes = budget_->bytes();
  budget_->SetBytes(
      committed ? std::min(most, bytes + bytes / 16)
                : std::max(std::min(kLeastEpochBytes, most), bytes / 2));
}

// ---- What became of it.

bool EpochDriver::answered() const {
  const MutexLock lock(mutex_);
  return answer_.has_value();
}

Status EpochDriver::HandleAnswer() {
  std::optional<CommitThread::Done> answer;
  {
    const MutexLock lock(mutex_);
    answer = std::exchange(answer_, {});
  }
  if (!answer.has_value()) return Status::Ok();
  return answer->settled ? HandleSettled(answer->result)
                         : HandleEpochEnd(*answer);
}

Status EpochDriver::HandleEpochEnd(const CommitThread::Done& done) {
  CHECK(epoch_under_way());
  const bool orphaned = state_ == State::kOrphaned;
  last_ = done.result;
  if (last_.ok() || IsFault(last_.outcome)) AdaptEpochBytes(last_.ok());
  if (last_.ok()) {
    failing_since_.reset();
    FinishEpoch(done.epoch);
    events_.OnCommitted(*this);
  }
  Status status;
  // It may be committed: only the store did not take it.
  const Lane* const damaged =
      last_.outcome == CommitOutcome::kNotApplied ? FindDamaged() : nullptr;
  if (damaged != nullptr) {
    const Status why = Corruption("local state of " + damaged->tp().ToString() +
                                  " is damaged");
    status = events_.OnDamaged(damaged->tp(), last_.status);
    status =
        status.ok() ? StartOver(Cause::kDamage, why) : Fail(std::move(status));
  } else if (wish_.has_value()) {
    const Wish wish = *std::exchange(wish_, {});
    status = StartOver(wish.cause, wish.why);
  } else if (!last_.ok()) {
    status =
        StartOver(IsFault(last_.outcome) ? Cause::kFault : Cause::kTakenAway,
                  last_.status);
  } else {
    Enter(State::kIdle);
  }
  // Their last epoch is over; their directories may be opened again.
  CloseLanes(std::exchange(orphans_, {}));
  if (orphaned && idle()) events_.OnReady(*this);
  return status;
}

const Lane* EpochDriver::FindDamaged() const {
  for (const auto& entry : lanes_.entries()) {
    if (entry->claim.driver != this) continue;
    if (entry->lane->store_corrupt()) return entry->lane.get();
  }
  // Taken away while the commit thread applied the epoch.
  for (const auto& lane : orphans_) {
    if (lane->store_corrupt()) return lane.get();
  }
  return nullptr;
}

// ---- Starting over.

Status EpochDriver::Reopen(Cause cause, const Status& why) {
  if (idle()) return StartOver(cause, why);
  // Otherwise the lanes are gone, and will be opened from what Kafka has.
  if (state_ == State::kCommitting) wish_ = {cause, why};
  return Status::Ok();
}

Status EpochDriver::ReopenFailedLane(const Status& why) {
  const SteadyTime now = clock_.Steady();
  const bool calm = now - lane_failed_at_ > options_.broker_timeout;
  if (calm || !failing_since_.has_value()) failing_since_ = now;
  lane_failed_at_ = now;
  return Reopen(Cause::kFault, why);
}

// Everything after the last committed epoch is dropped.
Status EpochDriver::StartOver(Cause cause, const Status& why) {
  if (cause == Cause::kFault) {
    if (!why.retryable()) return Fail(why);
    if (!failing_since_.has_value()) failing_since_ = started_at_;
    if (clock_.Steady() - *failing_since_ >= options_.broker_timeout) {
      return Fail(why.With("no epoch was committed for " +
                           std::to_string(options_.broker_timeout.count()) +
                           " ms"));
    }
  }
  LOG(kWarn, "reopen", {{"reason", why.message()}});
  Enter(State::kSettling);
  DropLanes();
  commit_thread_->Settle(Retries());
  return Status::Ok();
}

Status EpochDriver::HandleSettled(const CommitResult& result) {
  CHECK(state_ == State::kSettling);
  if (!result.ok()) return Fail(result.status.With("after a failed commit"));
  last_ = {};
  Enter(State::kIdle);
  events_.OnReady(*this);
  return Status::Ok();
}

Status EpochDriver::Fail(Status why) {
  wish_.reset();
  last_ = {CommitOutcome::kFailed, std::move(why)};
  Enter(State::kFailed);
  return last_.status;
}

void EpochDriver::DropLanes() {
  for (const auto& entry : lanes_.entries()) {
    if (entry->claim.driver == this) entry->lane->Detach();
  }
  events_.OnDrop(*this);
  std::vector<std::unique_ptr<Lane>> lanes = lanes_.TakeOf(*this);
  if (!epoch_under_way()) {
    // Their stores must be closed before anybody opens them again.
    CloseLanes(std::move(lanes));
    return;
  }
  commit_thread_->Abandon();
  wish_.reset();  // This is what was wanted.
  for (std::unique_ptr<Lane>& lane : lanes) orphans_.push_back(std::move(lane));
  if (state_ == State::kCommitting) Enter(State::kOrphaned);
}

// ---- Waiting.

bool EpochDriver::AwaitAnswer(SteadyTime deadline) {
  const MutexLock lock(mutex_);
  return wake_.WaitFor(mutex_, deadline - clock_.Steady(),
                       [this]()
                           REQUIRES(mutex_) { return answer_.has_value(); });
}

// True: it is idle, and nothing has failed meanwhile.
bool EpochDriver::AwaitIdle(SteadyTime deadline) {
  while (!idle()) {
    if (failed() || !AwaitAnswer(deadline)) return false;
    (void)HandleAnswer().ok();  // The state says it.
    if (!last_.ok()) return false;
  }
  return true;
}

bool EpochDriver::AwaitEpoch(SteadyTime deadline) {
  while (epoch_under_way()) {
    if (!AwaitAnswer(deadline)) return false;
    (void)HandleAnswer().ok();  // The state says it.
  }
  return true;
}

Status EpochDriver::CommitLastEpoch(SteadyTime deadline) {
  // Nothing of ours is in an epoch that may be under way.
  if (!lanes_.HasOf(*this)) return Status::Ok();
  if (AwaitIdle(deadline)) {
    if (!StartCommit()) return Status::Ok();
    if (AwaitIdle(deadline)) return Status::Ok();
  }
  if (epoch_under_way()) commit_thread_->Abandon();
  if (!last_.ok()) return last_.status;
  return {StatusCode::kUnavailable,
          "the last epoch was not committed within revoke_timeout"};
}

void EpochDriver::Stop() {
  commit_thread_->Stop();
  CloseLanes(std::exchange(orphans_, {}));
}

}  // namespace tacho
