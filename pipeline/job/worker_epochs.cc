// How a worker freezes, commits and, after a failure, starts over.

#include <algorithm>
#include <latch>
#include <utility>

#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"
#include "pipeline/commit/offset_metadata.h"
#include "pipeline/job/worker.h"

namespace tacho {
namespace {

constexpr Millis kCommitOffsetsTimeout{10000};
constexpr uint64_t kLeastEpochBytes = uint64_t{1} << 20;

}  // namespace

// True if there is an epoch to commit.
bool Worker::StartCommit() {
  Epoch epoch;
  FreezeLanes(epoch);
  if (epoch.parts.empty()) return false;
  epoch.membership = membership_;
  committing_ = true;
  committed_at_ = clock_.Steady();
  RetryPolicy retry;
  retry.give_up_after = options_.broker_timeout;
  commit_thread_->Commit(std::move(epoch), retry);
  return true;
}

// A token through every lane's node; each answers at a batch boundary.
void Worker::FreezeLanes(Epoch& epoch) {
  std::vector<LaneSet::Entry*> running;
  for (const auto& entry : lanes_->entries()) {
    if (entry->running) running.push_back(entry.get());
  }
  if (running.empty()) return;
  std::vector<LaneEpoch*> parts(running.size());
  std::latch frozen(static_cast<ptrdiff_t>(running.size()));
  for (size_t i = 0; i < running.size(); ++i) {
    graph_->Post(running[i]->node, [this, i, &running, &parts, &frozen] {
      parts[i] = &running[i]->lane->Freeze();
      graph_->Schedule(running[i]->node);  // It may have waited for this.
      frozen.count_down();
    });
  }
  frozen.wait();
  for (size_t i = 0; i < running.size(); ++i) {
    if (!parts[i]->changed) continue;
    epoch.parts.push_back({parts[i], running[i]->lane.get()});
  }
}

Status Worker::HandleCommitDone(CommitThread::Done& done) {
  if (done.settled) return HandleSettled(done.status);
  committing_ = false;
  last_commit_ = done.status;
  // A fence says nothing about an epoch's size.
  if (done.status.code() != StatusCode::kCancelled) {
    AdaptEpochBytes(done.status.ok());
  }
  if (done.status.ok()) {
    failing_since_.reset();
    damaged_.clear();
    FinishEpoch(done.epoch);
  } else if (done.status.code() == StatusCode::kCorruption) {
    // It may be committed: only the store did not take it.
    if (const Lane* const lane = FindDamaged()) {
      return ReopenDamaged(lane->tp(), done.status);
    }
  }
  if (const std::optional<Status> wanted = std::exchange(reopen_, {})) {
    RETURN_IF_ERROR(HandleEpochFailed(*wanted));
  } else if (!done.status.ok()) {
    RETURN_IF_ERROR(HandleEpochFailed(done.status));
  }
  if (!orphans_.empty()) {
    // Their last epoch is over; their directories may be opened again.
    CloseLanes(std::move(orphans_));
    orphans_.clear();
    OpenAssigned();
  }
  return Status::Ok();
}

// There is one way to reopen: everything after the last committed epoch is
// dropped, and the partitions are taken over from what Kafka has.
Status Worker::HandleEpochFailed(const Status& status) {
  const bool cancelled = status.code() == StatusCode::kCancelled;
  if (!cancelled && !status.retryable()) return status;
  if (!cancelled) {
    if (!failing_since_.has_value()) failing_since_ = committed_at_;
    if (clock_.Steady() - *failing_since_ >= options_.broker_timeout) {
      return status.With("no epoch was committed for " +
                         std::to_string(options_.broker_timeout.count()) +
                         " ms");
    }
  }
  LOG(kWarn, "reopen", {{"reason", status.message()}});
  opener_->Cancel();
  DropLanes();
  settling_ = true;
  RetryPolicy retry;
  retry.give_up_after = options_.broker_timeout;
  commit_thread_->Settle(retry);
  return Status::Ok();
}

Status Worker::HandleSettled(const Status& status) {
  settling_ = false;
  last_commit_ = {};
  if (status.code() == StatusCode::kCancelled) return Status::Ok();
  RETURN_IF_ERROR(status.With("after a failed commit"));
  OpenAssigned();
  return Status::Ok();
}

// State has reached the stores: lanes may forget what the epoch held.
void Worker::FinishEpoch(const Epoch& epoch) {
  for (const auto& entry : lanes_->entries()) {
    for (const Epoch::Part& part : epoch.parts) {
      if (part.owner != entry->lane.get()) continue;
      graph_->Post(entry->node,
                   [lane = entry->lane.get()] { lane->Applied(); });
    }
  }
}

// An epoch that was too large to come through in time is followed by smaller
// ones, which grow again slowly.
void Worker::AdaptEpochBytes(bool committed) {
  const uint64_t before = epoch_bytes_;
  if (committed) {
    epoch_bytes_ =
        std::min(job_.commit.bytes, epoch_bytes_ + epoch_bytes_ / 16);
  } else {
    const uint64_t least = std::min(kLeastEpochBytes, job_.commit.bytes);
    epoch_bytes_ = std::max(least, epoch_bytes_ / 2);
  }
  if (epoch_bytes_ == before) return;
  lanes_->ForEach([this](Lane& lane) { lane.SetEpochBytes(epoch_bytes_); });
}

bool Worker::AwaitCommit(SteadyTime deadline) {
  while (committing_ || settling_) {
    std::unique_lock lock(mutex_);
    const bool there = wake_.wait_until(
        lock, deadline, [this] { return commit_done_.has_value(); });
    if (!there) return false;
    CommitThread::Done done = std::move(*commit_done_);
    commit_done_.reset();
    lock.unlock();
    const Status status = HandleCommitDone(done);
    if (!status.ok()) OnSourceFailed(status);
    if (!last_commit_.ok()) return false;
  }
  return true;
}

bool Worker::CommitLastEpoch() {
  // Nothing of ours is in an epoch that may be under way.
  if (lanes_->empty()) return true;
  const SteadyTime deadline = clock_.Steady() + job_.revoke_timeout;
  if (AwaitCommit(deadline) && last_commit_.ok()) {
    if (!StartCommit()) return true;
    if (AwaitCommit(deadline) && last_commit_.ok()) return true;
  }
  if (last_commit_.ok()) {
    last_commit_ = {StatusCode::kUnavailable,
                    "the last epoch was not committed within revoke_timeout"};
  }
  if (committing_) commit_thread_->Abandon();
  return false;
}

Status Worker::CommitOffsets(const Epoch& epoch) {
  std::vector<PartitionOffset> offsets;
  for (const Epoch::Part& part : epoch.parts) {
    const Marker& marker = part.epoch->marker;
    // A reset that this offset comes after stays obeyed.
    offsets.push_back({part.epoch->tp, marker.next_offset,
                       FormatOffsetMetadata({OffsetMetadata::Origin::kEpoch,
                                             marker.reset_generation,
                                             marker.epoch, marker.writer_id})});
  }
  return parts_.source->CommitOffsets(offsets, kCommitOffsetsTimeout);
}

}  // namespace tacho
