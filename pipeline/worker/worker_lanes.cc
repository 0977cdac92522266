// How a worker answers the group: partitions come, go, and come back.

#include <algorithm>
#include <utility>

#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"
#include "pipeline/worker/worker.h"

namespace tacho {
namespace {

constexpr int kMostDamages = 3;  // Of one partition's store.

}  // namespace

// ---- Assigned.

Status Worker::HandleAssign(const std::vector<TopicPartition>& partitions,
                            const GroupMembership& membership) {
  FAIL_POINT("assign.begin");
  // librdkafka can leave a revoke out when the group's metadata changes while
  // it waits for an answer: what this worker holds is of another generation.
  if (!lanes_->empty() || !assigned_.empty()) LetGo();
  RETURN_IF_ERROR(input_.CheckAssigned(partitions));
  // Thrown out of the group while the event was on its way: nothing is taken,
  // and another assignment follows when the client has joined again.
  const bool fenced = parts_.changelog == nullptr || membership.valid();
  std::vector<TopicPartition> taken;
  if (fenced) {
    taken = partitions;
    assigned_count_ = static_cast<int>(partitions.size());
  }
  RETURN_IF_ERROR(memory_.CheckLanes(taken.size()));
  factory_.SetStateBytes(memory_.StateBytesPerLane(taken.size()));
  EpochDriver& driver = *drivers_.front();
  driver.ForgetFailures();
  pending_.clear();
  // Readers before the assignment: their queues must be their own when the
  // first message comes.
  for (const TopicPartition& tp : taken) {
    assigned_[tp] = {&driver, membership, 0};
    pending_.push_back(MakeRequest(tp));
  }
  RETURN_IF_ERROR(parts_.member->Assign(taken));
  --unanswered_;
  if (assigned_at_ == SteadyTime{}) assigned_at_ = clock_.Steady();
  OpenAssigned(driver);
  CloseSuspended();  // What this assignment does not return.
  return Status::Ok();
}

TakeOverRequest Worker::MakeRequest(const TopicPartition& tp) {
  TakeOverRequest request;
  request.spec.lane =
      IdentityOf(job_, tp, input_.CountOf(tp.topic), cluster_id_);
  const auto end = ends_.find(tp);
  if (end != ends_.end()) request.spec.end_offset = end->second;
  request.spec.close_at_end = options_.close_at_end;
  request.reader = parts_.member->MakeReader(tp);
  const auto suspended = suspended_.find(tp);
  if (suspended != suspended_.end()) {
    request.suspended = std::move(suspended->second);
    suspended_.erase(suspended);
  }
  return request;
}

void Worker::OpenAssigned(EpochDriver& driver) {
  // While an epoch of ours is open its offsets are pending, and a directory is
  // opened again only after the old lane is gone.
  if (!driver.idle()) return;
  if (pending_.empty() && !lanes_->HasOf(driver)) {
    for (const auto& [tp, claim] : assigned_) {
      if (claim.driver == &driver) pending_.push_back(MakeRequest(tp));
    }
  }
  std::vector<TakeOverRequest> requests;
  for (TakeOverRequest& request : std::exchange(pending_, {})) {
    LaneClaim& claim = assigned_.at(request.spec.lane.tp);
    if (claim.driver != &driver) {
      pending_.push_back(std::move(request));
      continue;
    }
    request.ticket = claim.ticket = ++tickets_;
    // It may have been found damaged since the request was made.
    request.discard_local = discard_.contains(request.spec.lane.tp);
    requests.push_back(std::move(request));
  }
  take_overs_->Open(std::move(requests));
}

void Worker::OnReady(EpochDriver& driver) { OpenAssigned(driver); }

Status Worker::HandleOpened() {
  for (TakenOverLane& opened : TakeOpened()) {
    RETURN_IF_ERROR(StartLane(std::move(opened)));
  }
  return Status::Ok();
}

Status Worker::StartLane(TakenOverLane opened) {
  const auto claim = assigned_.find(opened.lane->tp());
  if (claim == assigned_.end() || claim->second.ticket != opened.ticket) {
    std::vector<std::unique_ptr<Lane>> stale;
    stale.push_back(std::move(opened.lane));
    CloseLanes(std::move(stale));
    return Status::Ok();
  }
  Lane* const lane = opened.lane.get();
  if (opened.recommit) lane->RequireCommit();
  if (opened.begins_log) lane->BeginLog();
  lane->SetStateBytes(memory_.StateBytesPerLane(assigned_.size()));
  const LaneSet::Entry& entry =
      lanes_->Add(std::move(opened.lane), claim->second);
  if (opened.loaded) {
    return HandleLoaded(lane->tp(), opened.ticket, Status::Ok(), opened.start);
  }
  FAIL_POINT("takeover.before_load");
  loads_.Add(entry, [this, lane, marker = std::move(opened.marker),
                     start = opened.start, ticket = opened.ticket] {
    const Status status = lane->Load(marker, start);
    Post([this, tp = lane->tp(), status, start, ticket] {
      return HandleLoaded(tp, ticket, status, start);
    });
  });
  return Status::Ok();
}

Status Worker::HandleLoaded(const TopicPartition& tp, uint64_t ticket,
                            const Status& status, Offset start) {
  loads_.Ended(ticket);
  LaneSet::Entry* const entry = lanes_->Find(tp);
  if (entry == nullptr || entry->claim.ticket != ticket) return Status::Ok();
  if (!status.ok()) {
    const Status failure = status.With("lane " + tp.ToString());
    if (!entry->lane->store_corrupt()) return failure;
    return ReopenDamaged(*entry, failure);
  }
  LOG(kInfo, "lane_ready",
      {{"topic", tp.topic}, {"partition", tp.partition}, {"start", start}});
  discard_.erase(tp);
  lanes_->Run(*entry);
  turns_.Add(tp, assigned_.size());
  return Status::Ok();
}

// ---- Revoked.

Status Worker::HandleRevoke(bool lost) {
  FAIL_POINT("revoke.begin");
  lanes_->StopAll();
  // One last epoch while we still own the partitions. If it does not come
  // through in time, the next owner does the work again.
  const Status committed =
      lost ? Status(StatusCode::kCancelled, "lost") : CommitLastEpoch();
  if (!lost && !committed.ok()) {
    LOG(kWarn, "revoke_commit_failed", {{"reason", committed.message()}});
  }
  FAIL_POINT("revoke.after_last_commit");
  if (committed.ok()) {
    Withdraw();
    SuspendLanes();
  } else {
    LetGo();
  }
  FAIL_POINT("revoke.after_close");
  RETURN_IF_ERROR(parts_.member->Unassign());
  --unanswered_;
  return Status::Ok();
}

Status Worker::CommitLastEpoch() {
  const SteadyTime deadline = clock_.Steady() + job_.revoke_timeout;
  Status status;
  for (const auto& driver : drivers_) {
    const Status committed = driver->CommitLastEpoch(deadline);
    if (status.ok()) status = committed;
    // Not as the member's: an output that is missing is no input that is.
    if (driver->failed()) Fail(driver->last().status);
  }
  return status;
}

// What is being opened is given up, and what has been opened by now is stale.
void Worker::Withdraw() {
  pending_.clear();
  take_overs_->Cancel();
  for (const auto& driver : drivers_) {
    loads_.Forget(*driver);
    driver->ForgetFailures();
  }
  turns_.Forget();
  assigned_.clear();
  assigned_count_ = -1;
}

void Worker::LetGo() {
  Withdraw();
  for (const auto& driver : drivers_) driver->DropLanes();
  CloseSuspended();
}

// All that is being opened is of the one driver that there is.
void Worker::OnDrop(EpochDriver& driver) {
  if (take_overs_ != nullptr) take_overs_->Cancel();
  for (auto& [tp, claim] : assigned_) {
    if (claim.driver == &driver) claim.ticket = 0;
  }
  loads_.Forget(driver);
  turns_.Forget();
  CloseOpened();
}

void Worker::CloseOpened() {
  std::vector<std::unique_ptr<Lane>> lanes;
  for (TakenOverLane& opened : TakeOpened()) {
    lanes.push_back(std::move(opened.lane));
  }
  CloseLanes(std::move(lanes));
}

void Worker::SuspendLanes() {
  std::set<TopicPartition> loaded;
  for (const auto& entry : lanes_->entries()) {
    if (entry->running) loaded.insert(entry->lane->tp());
  }
  CloseOpened();
  std::vector<std::unique_ptr<Lane>> others;
  for (std::unique_ptr<Lane>& lane : lanes_->TakeAll()) {
    lane->Detach();
    const bool keep = parts_.changelog != nullptr && !lane->failed() &&
                      loaded.contains(lane->tp());
    if (keep) {
      suspended_[lane->tp()] = std::move(lane);
    } else {
      others.push_back(std::move(lane));
    }
  }
  CloseLanes(std::move(others));
}

void Worker::CloseSuspended() {
  std::vector<std::unique_ptr<Lane>> lanes;
  for (auto& [tp, lane] : suspended_) lanes.push_back(std::move(lane));
  suspended_.clear();
  CloseLanes(std::move(lanes));
}

// ---- Failed.

Status Worker::HandleLaneFailed(const TopicPartition& tp,
                                const Status& status) {
  LaneSet::Entry* const entry = lanes_->Find(tp);
  if (entry == nullptr || !entry->lane->failed()) return Status::Ok();
  if (entry->lane->store_corrupt()) return ReopenDamaged(*entry, status);
  if (status.code() == StatusCode::kNotFound) {
    input_.NoteMissing(status);
    return Status::Ok();
  }
  if (status.retryable()) return entry->claim.driver->ReopenFailedLane(status);
  LOG(kError, "lane_failed", {{"reason", status.message()}});
  OnSourceFailed(status);
  return Status::Ok();
}

// Lanes that were told that their input is missing have stopped.
Status Worker::ReopenAll() {
  for (const auto& driver : drivers_) {
    RETURN_IF_ERROR(driver->Reopen(
        EpochDriver::Cause::kInputBack,
        {StatusCode::kNotFound, "the input was missing for a time"}));
  }
  return Status::Ok();
}

// The changelog has what the store has lost.
Status Worker::OnDamaged(const TopicPartition& tp, const Status& status) {
  if (parts_.changelog == nullptr || ++damaged_[tp] > kMostDamages) {
    return status;
  }
  LOG(kError, "local_state_corrupt",
      {{"topic", tp.topic},
       {"partition", tp.partition},
       {"reason", status.message()}});
  discard_.insert(tp);
  return Status::Ok();
}

Status Worker::ReopenDamaged(const LaneSet::Entry& entry,
                             const Status& status) {
  const TopicPartition tp = entry.lane->tp();
  RETURN_IF_ERROR(OnDamaged(tp, status));
  return entry.claim.driver->Reopen(
      EpochDriver::Cause::kDamage,
      Corruption("local state of " + tp.ToString() + " is damaged"));
}

void Worker::OnCommitted(EpochDriver& /*driver*/) {
  damaged_.clear();
  rejoined_ = false;
}

// ---- Out of the group.

Status Worker::HandleFenced(const Status& status) {
  // A standby commits nothing: fences that lie far apart are two outages.
  if (rejoined_ && clock_.Steady() - rejoined_at_ < options_.broker_timeout) {
    return {StatusCode::kUnavailable,
            "lost the group again after joining it anew: " + status.message()};
  }
  LOG(kWarn, "rejoin", {{"reason", status.message()}});
  LetGo();
  // Lanes that a commit refers to hold readers of the member that is going.
  const SteadyTime deadline = clock_.Steady() + job_.revoke_timeout;
  for (const auto& driver : drivers_) {
    if (!driver->AwaitEpoch(deadline)) {
      return status.With(
          "the epoch under way did not end within revoke_timeout");
    }
    if (driver->failed()) return driver->last().status;
  }
  idle_prober_.reset();
  RETURN_IF_ERROR(parts_.member->Reset());
  // What the old member has still said is no news of the new one.
  ++membership_era_;
  unanswered_ = 0;
  StartIdleChecks();
  rejoined_ = true;
  rejoined_at_ = clock_.Steady();
  return parts_.member->Start(*this);
}

// ---- Looked after.

void Worker::FlushQuietLanes() {
  for (const auto& entry : lanes_->entries()) {
    if (!entry->running) continue;
    graph_->Post(entry->node, [lane = entry->lane.get()] {
      const Status flushed = lane->FlushIfDue();
      if (flushed.ok()) return;
      LOG(kWarn, "flush_failed",
          {{"topic", lane->tp().topic},
           {"partition", lane->tp().partition},
           {"reason", flushed.message()}});
    });
  }
}

}  // namespace tacho
