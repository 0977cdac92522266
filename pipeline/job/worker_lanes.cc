// How a worker answers the group: partitions come, go, and come back.

#include <algorithm>
#include <utility>

#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"
#include "pipeline/job/worker.h"

namespace tacho {
namespace {

constexpr Millis kMetadataTimeout{1000};
constexpr int kMostDamages = 3;  // Of one partition's store.

}  // namespace

// ---- Assigned.

Status Worker::HandleAssign(const std::vector<TopicPartition>& partitions,
                            const GroupMembership& membership) {
  FAIL_POINT("assign.begin");
  // librdkafka can leave a revoke out when the group's metadata changes while
  // it waits for an answer: what this worker holds is of another generation.
  if (!lanes_->empty() || !assigned_.empty()) LetGo();
  const bool more_than_known = std::any_of(
      partitions.begin(), partitions.end(), [this](const TopicPartition& tp) {
        return tp.partition >= counts_[tp.topic];
      });
  if (more_than_known) RETURN_IF_ERROR(CheckPartitionCounts());
  // Thrown out of the group while the event was on its way: nothing is taken,
  // and another assignment follows when the client has joined again.
  const bool fenced = parts_.changelog == nullptr || membership.valid();
  if (fenced) assigned_ = partitions;
  membership_ = membership;
  failing_since_.reset();
  ++ticket_;
  pending_.clear();
  // Readers before the assignment: their queues must be their own when the
  // first message comes.
  for (const TopicPartition& tp : assigned_) {
    pending_.push_back(MakeRequest(tp));
  }
  RETURN_IF_ERROR(parts_.source->Assign(assigned_));
  --unanswered_;
  if (assigned_at_ == SteadyTime{}) assigned_at_ = clock_.Steady();
  OpenAssigned();
  CloseSuspended();  // What this assignment does not return.
  return Status::Ok();
}

OpenRequest Worker::MakeRequest(const TopicPartition& tp) {
  OpenRequest request;
  request.spec.tp = tp;
  request.spec.input_partitions = counts_[tp.topic];
  const auto end = ends_.find(tp);
  if (end != ends_.end()) request.spec.end_offset = end->second;
  request.spec.close_at_end = options_.close_at_end;
  request.reader = parts_.source->MakeReader(tp);
  request.discard_local = discard_.contains(tp);
  const auto suspended = suspended_.find(tp);
  if (suspended != suspended_.end()) {
    request.suspended = std::move(suspended->second);
    suspended_.erase(suspended);
  }
  return request;
}

void Worker::OpenAssigned() {
  // While an epoch of ours is open its offsets are pending, and a directory is
  // opened again only after the old lane is gone.
  if (committing_ || settling_ || !orphans_.empty()) return;
  if (pending_.empty() && lanes_->empty()) {
    for (const TopicPartition& tp : assigned_) {
      pending_.push_back(MakeRequest(tp));
    }
  }
  for (OpenRequest& request : pending_) request.ticket = ticket_;
  opener_->Open(std::exchange(pending_, {}));
}

Status Worker::HandleOpened() {
  for (OpenedLane& opened : TakeOpened()) {
    RETURN_IF_ERROR(StartLane(std::move(opened)));
  }
  return Status::Ok();
}

Status Worker::StartLane(OpenedLane opened) {
  if (opened.ticket != ticket_) {
    std::vector<std::unique_ptr<Lane>> stale;
    stale.push_back(std::move(opened.lane));
    CloseLanes(std::move(stale));
    return Status::Ok();
  }
  Lane* const lane = opened.lane.get();
  if (opened.recommit) lane->RequireCommit();
  lane->SetEpochBytes(epoch_bytes_);
  LaneSet::Entry& entry = lanes_->Add(std::move(opened.lane));
  if (opened.loaded) {
    return HandleLoaded(lane->tp(), Status::Ok(), opened.start);
  }
  FAIL_POINT("takeover.before_load");
  graph_->Post(entry.node, [this, lane, marker = std::move(opened.marker),
                            start = opened.start, ticket = ticket_] {
    const Status status = lane->Load(marker, start);
    Post([this, tp = lane->tp(), status, start, ticket] {
      if (ticket != ticket_) return Status::Ok();
      return HandleLoaded(tp, status, start);
    });
  });
  return Status::Ok();
}

Status Worker::HandleLoaded(const TopicPartition& tp, const Status& status,
                            Offset start) {
  LaneSet::Entry* const entry = lanes_->Find(tp);
  if (entry == nullptr) return Status::Ok();
  if (!status.ok()) {
    const Status failure = status.With("lane " + tp.ToString());
    if (!entry->lane->store_corrupt()) return failure;
    return ReopenDamaged(tp, failure);
  }
  LOG(kInfo, "lane_ready",
      {{"topic", tp.topic}, {"partition", tp.partition}, {"start", start}});
  discard_.erase(tp);
  lanes_->Run(*entry);
  return Status::Ok();
}

// ---- Revoked.

Status Worker::HandleRevoke(bool lost) {
  FAIL_POINT("revoke.begin");
  lanes_->StopAll();
  // One last epoch while we still own the partitions. If it does not come
  // through in time, the next owner does the work again.
  const bool committed = !lost && CommitLastEpoch();
  if (!lost && !committed) {
    LOG(kWarn, "revoke_commit_failed", {{"reason", last_commit_.message()}});
  }
  FAIL_POINT("revoke.after_last_commit");
  if (committed) {
    Withdraw();
    SuspendLanes();
  } else {
    LetGo();
  }
  FAIL_POINT("revoke.after_close");
  RETURN_IF_ERROR(parts_.source->Unassign());
  --unanswered_;
  return Status::Ok();
}

// What is being opened is given up, and what has been opened by now is stale.
void Worker::Withdraw() {
  ++ticket_;
  pending_.clear();
  opener_->Cancel();
  assigned_.clear();
  membership_ = {};
  failing_since_.reset();
}

// Nothing of the assignment is kept.
void Worker::LetGo() {
  Withdraw();
  if (committing_) commit_thread_->Abandon();
  DropLanes();
  CloseSuspended();
}

void Worker::SuspendLanes() {
  std::set<TopicPartition> loaded;
  for (const auto& entry : lanes_->entries()) {
    if (entry->running) loaded.insert(entry->lane->tp());
  }
  std::vector<std::unique_ptr<Lane>> others = TakeOpenedLanes();
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

void Worker::DropLanes() {
  ++ticket_;
  lanes_->ForEach([](Lane& lane) { lane.Detach(); });
  std::vector<std::unique_ptr<Lane>> lanes = lanes_->TakeAll();
  // Their stores must be closed before anybody opens them again.
  CloseLanes(TakeOpenedLanes());
  if (!committing_) {
    CloseLanes(std::move(lanes));
    return;
  }
  for (std::unique_ptr<Lane>& lane : lanes) orphans_.push_back(std::move(lane));
}

// ---- Failed.

Status Worker::HandleLaneFailed(const TopicPartition& tp,
                                const Status& status) {
  LaneSet::Entry* const entry = lanes_->Find(tp);
  if (entry == nullptr || !entry->lane->failed()) return Status::Ok();
  if (entry->lane->store_corrupt()) return ReopenDamaged(tp, status);
  LOG(kError, "lane_failed", {{"reason", status.message()}});
  OnSourceFailed(status);
  return Status::Ok();
}

const Lane* Worker::FindDamaged() const {
  for (const auto& entry : lanes_->entries()) {
    if (entry->lane->store_corrupt()) return entry->lane.get();
  }
  return nullptr;
}

Status Worker::ReopenDamaged(const TopicPartition& tp, const Status& status) {
  if (parts_.changelog == nullptr || ++damaged_[tp] > kMostDamages) {
    return status;
  }
  LOG(kError, "local_state_corrupt",
      {{"topic", tp.topic},
       {"partition", tp.partition},
       {"reason", status.message()}});
  discard_.insert(tp);
  const Status wanted(StatusCode::kCancelled,
                      "local state of " + tp.ToString() + " is damaged");
  if (!committing_ && !settling_) return HandleEpochFailed(wanted);
  reopen_ = wanted;
  return Status::Ok();
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

Status Worker::CheckPartitionCounts() {
  const auto counts = parts_.source->PartitionCounts(kMetadataTimeout);
  if (!counts.ok()) return Status::Ok();  // Asked again at the next check.
  for (const auto& [topic, count] : *counts) {
    const int32_t before = counts_[topic];
    if (count == before) continue;
    if (job_.partitions_added == PartitionsAdded::kStop) {
      return InvalidArgument(
          "topic " + topic + " went from " + std::to_string(before) + " to " +
          std::to_string(count) +
          " partitions: keys move to other partitions and per-vehicle state "
          "does not follow. Set partitions_added: continue to accept that, or "
          "replay the topic into a new group");
    }
    LOG(kWarn, "partitions_added",
        {{"topic", topic}, {"before", before}, {"now", count}});
    counts_[topic] = count;
  }
  return Status::Ok();
}

}  // namespace tacho
