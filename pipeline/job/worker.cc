#include "pipeline/job/worker.h"

#include <algorithm>
#include <latch>
#include <thread>
#include <utility>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

constexpr Millis kCommitOffsetsTimeout{10000};
constexpr Millis kRequestTimeout{5000};
constexpr Millis kCheckInterval{15000};

int ThreadCount(int asked) {
  if (asked > 0) return asked;
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

}  // namespace

Worker::Worker(const Job& job, WorkerOptions options, WorkerParts parts,
               const Clock& clock)
    : job_(job),
      options_(options),
      clock_(clock),
      parts_(std::move(parts)),
      graph_(std::make_unique<LaneGraph>(ThreadCount(options.threads),
                                         job.schema)),
      lanes_(std::make_unique<LaneSet>(job, *graph_, *parts_.source,
                                       *parts_.stores, *this, clock)) {}

Worker::~Worker() = default;

// ---- What other threads leave for the control loop.

void Worker::Stop() {
  const std::lock_guard lock(mutex_);
  stop_ = true;
  wake_.notify_all();
}

void Worker::OnAssign(std::vector<TopicPartition> partitions) {
  const std::lock_guard lock(mutex_);
  commands_.push_back({Command::kAssign, std::move(partitions), false});
  wake_.notify_all();
}

void Worker::OnRevoke(std::vector<TopicPartition> partitions, bool lost) {
  if (lost) {
    // The fence closes at once, also for a commit that is under way.
    lanes_->ForEach([](Lane& lane) { lane.Detach(); });
  }
  const std::lock_guard lock(mutex_);
  commands_.push_back({Command::kRevoke, std::move(partitions), lost});
  wake_.notify_all();
}

void Worker::OnSourceFailed(Status status) {
  const std::lock_guard lock(mutex_);
  if (failure_.ok()) failure_ = std::move(status);
  wake_.notify_all();
}

void Worker::OnEpochFull() {
  const std::lock_guard lock(mutex_);
  epoch_full_ = true;
  wake_.notify_all();
}

void Worker::OnLaneFailed(Lane& /*lane*/, Status status) {
  LOG(kError, "lane_failed", {{"reason", status.message()}});
  OnSourceFailed(std::move(status));
}

// ---- The control loop.

Status Worker::Run() {
  Status status = Start();
  if (status.ok()) status = Loop();
  worked_ = SecondsSince(assigned_at_);
  return Shutdown(std::move(status));
}

Status Worker::Start() {
  RETURN_IF_ERROR(Retry("partition counts", [this] {
    Result<std::map<std::string, int32_t>> counts =
        parts_.source->PartitionCounts(kRequestTimeout);
    if (counts.ok()) counts_ = *counts;
    return counts.status();
  }));
  if (options_.until_end) {
    for (const auto& [topic, count] : counts_) {
      for (int32_t p = 0; p < count; ++p) {
        const TopicPartition tp{topic, p};
        ASSIGN_OR_RETURN(const auto range,
                         parts_.source->LogRange(tp, kRequestTimeout));
        ends_[tp] = range.second;
      }
    }
  }
  ASSIGN_OR_RETURN(
      transaction_,
      parts_.make_transaction(counts_.begin()->second, [this](const Epoch& e) {
        return CommitOffsets(e);
      }));
  committer_ = std::make_unique<Committer>(
      *transaction_, clock_, [this](Millis d) { return WaitForRetry(d); });
  next_commit_ = clock_.Steady() + job_.commit.interval;
  next_check_ = clock_.Steady() + kCheckInterval;
  next_report_ = clock_.Steady() + options_.report_interval;
  return parts_.source->Start(*this);
}

Status Worker::Loop() {
  while (true) {
    // 1. Rebalances first: the group waits for our answer.
    if (std::optional<Command> command = NextCommand()) {
      RETURN_IF_ERROR(Handle(*command));
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      if (!failure_.ok()) return failure_;
      if (stop_) return Status::Ok();
    }
    // 2. The commit, when it is due.
    const SteadyTime now = clock_.Steady();
    if (now >= next_commit_) {
      next_commit_ = now + job_.commit.interval;
      RETURN_IF_ERROR(CommitCycle(RetryPolicy{}));
      if (options_.until_end) {
        ASSIGN_OR_RETURN(const bool reached, ReachedEnds());
        if (reached) return Status::Ok();
      }
    }
    // 3. What is looked at now and then.
    if (now >= next_check_) {
      next_check_ = now + kCheckInterval;
      RETURN_IF_ERROR(CheckPartitionCounts());
    }
    ReportIfDue();
  }
}

// Waits until there is a command, or something else to do.
std::optional<Worker::Command> Worker::NextCommand() {
  std::unique_lock lock(mutex_);
  wake_.wait_until(lock, next_commit_, [this] {
    return !commands_.empty() || !failure_.ok() || stop_ || epoch_full_;
  });
  if (std::exchange(epoch_full_, false)) next_commit_ = clock_.Steady();
  if (commands_.empty()) return std::nullopt;
  Command command = std::move(commands_.front());
  commands_.pop_front();
  return command;
}

Status Worker::Handle(Command& command) {
  if (command.kind == Command::kRevoke) return HandleRevoke(command);
  return OpenLanes(command.partitions);
}

Status Worker::HandleRevoke(const Command& command) {
  for (LaneSet::Entry& entry : lanes_->entries()) entry.lane->Stop();
  Status status;
  if (!command.lost) {
    // One last epoch while we still own the partitions. If it does not come
    // through in time the next owner does the work again: at least once.
    RetryPolicy retry;
    retry.give_up_after = job_.revoke_timeout;
    status = CommitCycle(retry);
    if (!status.ok()) {
      LOG(kWarn, "revoke_commit_failed", {{"reason", status.message()}});
    }
  }
  lanes_->ForEach([](Lane& lane) { lane.Detach(); });
  pending_.reset();
  lanes_->CloseAll();
  commit_failed_ = false;  // What failed is gone; the next lanes start afresh.
  RETURN_IF_ERROR(parts_.source->Unassign());
  // A disk that fails is this worker's end; a broker that is away is not.
  return status.code() == StatusCode::kIoError ||
                 status.code() == StatusCode::kCorruption
             ? status
             : Status::Ok();
}

// In this order: no more batches, the last epoch (which needs live
// membership), lanes idle and closed, out of the group.
Status Worker::Shutdown(Status status) {
  {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    // Told to stop while waiting for a broker: that is no failure.
    if (stop_ && status.code() == StatusCode::kCancelled) status = {};
  }
  for (LaneSet::Entry& entry : lanes_->entries()) entry.lane->Stop();
  if (!commit_failed_ && committer_ != nullptr) {
    RetryPolicy retry;
    retry.give_up_after = job_.revoke_timeout;
    const Status last = CommitCycle(retry);
    if (status.ok()) status = last;
  }
  pending_.reset();
  lanes_->CloseAll();
  parts_.source->Close(options_.leave);
  return status;
}

bool Worker::WaitForRetry(Millis delay) {
  std::unique_lock lock(mutex_);
  // A revoke, a failure or a stop ends the waiting: what is asked for then
  // matters more, and tries this epoch once more within its own time.
  return !wake_.wait_for(lock, delay, [this] {
    return !commands_.empty() || !failure_.ok() || (stop_ && !draining_);
  });
}

Status Worker::Retry(const std::string& what,
                     const std::function<Status()>& attempt) {
  const SteadyTime deadline = clock_.Steady() + options_.broker_timeout;
  Millis backoff{100};
  while (true) {
    const Status status = attempt();
    if (status.ok() || !status.retryable() || clock_.Steady() >= deadline) {
      return status;
    }
    LOG(kWarn, "retry", {{"what", what}, {"reason", status.message()}});
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, backoff, [this] { return stop_; })) {
      return {StatusCode::kCancelled, what + ": stopped while retrying"};
    }
    backoff = std::min(backoff * 2, Millis(5000));
  }
}

// ---- Epochs.

Status Worker::CommitCycle(const RetryPolicy& retry) {
  if (pending_.has_value()) {
    // The epoch before this one is frozen already; it goes first.
    Epoch epoch = std::move(*pending_);
    pending_.reset();
    RETURN_IF_ERROR(CommitEpoch(epoch, retry));
    if (pending_.has_value()) return Status::Ok();  // Cancelled again.
  }
  Epoch epoch;
  FreezeLanes(epoch);
  if (epoch.parts.empty()) return Status::Ok();
  return CommitEpoch(epoch, retry);
}

// A token through every lane's node; each answers at a batch boundary.
void Worker::FreezeLanes(Epoch& epoch) {
  std::vector<LaneSet::Entry>& entries = lanes_->entries();
  if (entries.empty()) return;
  std::vector<LaneEpoch*> parts(entries.size());
  std::latch frozen(static_cast<ptrdiff_t>(entries.size()));
  for (size_t i = 0; i < entries.size(); ++i) {
    graph_->Post(entries[i].node, [this, i, &entries, &parts, &frozen] {
      if (entries[i].running) {
        parts[i] = &entries[i].lane->Freeze();
        graph_->Schedule(entries[i].node);  // It may have waited for this.
      }
      frozen.count_down();
    });
  }
  frozen.wait();
  for (size_t i = 0; i < entries.size(); ++i) {
    if (parts[i] != nullptr && parts[i]->changed) {
      epoch.parts.push_back({parts[i], entries[i].lane.get()});
    }
  }
}

Status Worker::CommitEpoch(Epoch& epoch, const RetryPolicy& retry) {
  const Status status = committer_->Commit(epoch, retry);
  if (epoch.stage >= EpochStage::kApplied) {
    FinishEpoch(epoch);
    if (status.code() == StatusCode::kCancelled) return Status::Ok();
    return status;
  }
  if (status.code() == StatusCode::kCancelled) {
    // A rebalance wants our attention; the revoke commits this epoch, or
    // drops it if the partitions are lost.
    pending_ = std::move(epoch);
    return Status::Ok();
  }
  commit_failed_ = true;
  return status;
}

// State has reached the stores: lanes may forget what the epoch held. If its
// offsets did not, the next epoch carries them again.
void Worker::FinishEpoch(Epoch& epoch) {
  const bool committed = epoch.stage == EpochStage::kCommitted;
  for (LaneSet::Entry& entry : lanes_->entries()) {
    for (const Epoch::Part& part : epoch.parts) {
      if (part.owner != entry.lane.get()) continue;
      graph_->Post(entry.node, [lane = entry.lane.get(), committed] {
        lane->Applied();
        if (!committed) lane->RequireCommit();
      });
    }
  }
}

Status Worker::CommitOffsets(const Epoch& epoch) {
  std::vector<PartitionOffset> offsets;
  for (const Epoch::Part& part : epoch.parts) {
    offsets.push_back({part.epoch->tp, part.epoch->marker.next_offset});
  }
  return parts_.source->CommitOffsets(offsets, kCommitOffsetsTimeout);
}

// ---- Now and then.

Result<bool> Worker::ReachedEnds() {
  // A group that had reached the ends before this run may still have windows
  // to close: no lane of ours is done before it has seen its end itself.
  if (assigned_at_ == SteadyTime{}) return false;
  for (const LaneSet::Entry& entry : lanes_->entries()) {
    if (ends_.contains(entry.lane->tp()) && !entry.lane->ended()) return false;
  }
  std::vector<TopicPartition> all;
  for (const auto& [tp, end] : ends_) all.push_back(tp);
  auto committed = parts_.source->Committed(all, kRequestTimeout);
  if (!committed.ok()) {
    if (committed.status().retryable()) return false;
    return committed.status();
  }
  for (const PartitionOffset& o : *committed) {
    // An empty partition has nothing to commit: its end is its start.
    if (o.offset < ends_[o.tp] && ends_[o.tp] > 0) return false;
  }
  return true;
}

void Worker::ReportIfDue() {
  if (clock_.Steady() < next_report_) return;
  next_report_ = clock_.Steady() + options_.report_interval;
  LogTotals("progress");
}

double Worker::SecondsSince(SteadyTime start) const {
  if (start == SteadyTime{}) return 0;
  return std::chrono::duration<double>(clock_.Steady() - start).count();
}

void Worker::LogTotals(const char* event) const {
  const LaneTotals t = Totals();
  const std::vector<LaneReport> reports = Reports();
  int64_t lag = 0;
  for (const LaneReport& r : reports) {
    lag += std::max<int64_t>(0, r.end_offset - r.next_offset);
  }
  LOG(kInfo, event,
      {{"job", job_.name},
       {"lanes", reports.size()},
       {"lag", lag},
       {"seconds", worked_ > 0 ? worked_ : SecondsSince(assigned_at_)},
       {"messages", t.messages},
       {"records", t.records},
       {"rejects", t.total_rejects()},
       {"late", t.late},
       {"filtered", t.filtered},
       {"outputs", t.outputs},
       {"skipped", t.skipped},
       {"state_not_moved", t.state_not_moved},
       {"commits",
        committer_ == nullptr ? 0 : committer_->metrics().commits.value()}});
  for (size_t i = 0; i < kRejectReasons; ++i) {
    if (t.rejects[i] == 0) continue;
    LOG(kInfo, "rejects",
        {{"job", job_.name},
         {"reason", RejectReasonName(static_cast<RejectReason>(i))},
         {"count", t.rejects[i]}});
  }
}

std::vector<LaneReport> Worker::Reports() const {
  std::vector<LaneReport> reports;
  lanes_->ForEach([&](Lane& lane) {
    reports.push_back(
        {lane.tp(), lane.next_offset(), lane.reader().EndOffset()});
  });
  return reports;
}

LaneTotals Worker::Totals() const { return lanes_->Totals(); }

}  // namespace tacho
