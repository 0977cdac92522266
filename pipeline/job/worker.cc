// The control loop: commands in, lanes and epochs steered.

#include "pipeline/job/worker.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

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
      factory_(job, parts_.stores->writer_id(), counters_, *this, clock),
      graph_(std::make_unique<LaneGraph>(ThreadCount(options.threads),
                                         job.schema)),
      lanes_(std::make_unique<LaneSet>(*graph_)),
      epoch_bytes_(job.commit.bytes) {}

Worker::~Worker() = default;

// ---- What other threads leave for the control loop.

void Worker::Post(Command command) {
  const std::lock_guard lock(mutex_);
  commands_.push_back(std::move(command));
  wake_.notify_all();
}

std::vector<OpenedLane> Worker::TakeOpened() {
  const std::lock_guard lock(mutex_);
  return std::exchange(opened_, {});
}

std::vector<std::unique_ptr<Lane>> Worker::TakeOpenedLanes() {
  std::vector<std::unique_ptr<Lane>> lanes;
  for (OpenedLane& opened : TakeOpened()) {
    lanes.push_back(std::move(opened.lane));
  }
  return lanes;
}

void Worker::Stop() {
  const std::lock_guard lock(mutex_);
  stop_ = true;
  wake_.notify_all();
}

void Worker::OnAssign(std::vector<TopicPartition> partitions,
                      GroupMembership membership) {
  ++unanswered_;
  Post([this, partitions = std::move(partitions),
        membership = std::move(membership)] {
    return HandleAssign(partitions, membership);
  });
}

void Worker::OnRevoke(std::vector<TopicPartition> /*partitions*/, bool lost) {
  if (lost) {
    // The fence closes at once, also for a commit that is under way.
    lanes_->ForEach([](Lane& lane) { lane.Detach(); });
  }
  ++unanswered_;
  Post([this, lost] { return HandleRevoke(lost); });
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

void Worker::OnLaneFailed(Lane& lane, Status status) {
  Post([this, tp = lane.tp(), status = std::move(status)] {
    return HandleLaneFailed(tp, status);
  });
}

// ---- The control loop.

Status Worker::Run() {
  Status status = Start();
  if (status.ok()) status = Loop();
  worked_ = SecondsSince(assigned_at_);
  return Shutdown(std::move(status));
}

Status Worker::Start() {
  RETURN_IF_ERROR(Retry("preflight", [this] { return Preflight(); }));
  RETURN_IF_ERROR(Retry("partition counts", [this] {
    Result<std::map<std::string, int32_t>> counts =
        parts_.source->PartitionCounts(kRequestTimeout);
    if (counts.ok()) counts_ = *counts;
    return counts.status();
  }));
  if (options_.until_end) {
    RETURN_IF_ERROR(Retry("end offsets", [this] { return CaptureEnds(); }));
  }
  // Before subscribing: what an earlier life left open is ended first.
  RETURN_IF_ERROR(Retry("producer", [this] { return MakeCommitThread(); }));
  if (parts_.changelog != nullptr) {
    RETURN_IF_ERROR(Retry("cluster id", [this] {
      auto id = parts_.changelog->ClusterId(kRequestTimeout);
      if (id.ok()) cluster_id_ = *id;
      return id.status();
    }));
  }
  MakeOpener();
  StartIdleChecks();
  const SteadyTime now = clock_.Steady();
  committed_at_ = now;
  next_commit_ = now + job_.commit.interval;
  next_check_ = now + kCheckInterval;
  next_report_ = now + options_.report_interval;
  {
    // Told to stop by now: a member that joins only to leave makes the whole
    // group rebalance.
    const std::lock_guard lock(mutex_);
    if (stop_) return {StatusCode::kCancelled, "stopped before joining"};
  }
  return parts_.source->Start(*this);
}

Status Worker::CaptureEnds() {
  for (const auto& [topic, count] : counts_) {
    for (int32_t p = 0; p < count; ++p) {
      const TopicPartition tp{topic, p};
      ASSIGN_OR_RETURN(const auto range,
                       parts_.source->LogRange(tp, kRequestTimeout));
      ends_[tp] = range.second;
    }
  }
  return Status::Ok();
}

Status Worker::Preflight() {
  if (parts_.preflight == nullptr) return Status::Ok();
  ASSIGN_OR_RETURN(OutputLimits limits, parts_.preflight());
  factory_.SetLimits(std::move(limits));
  return Status::Ok();
}

Status Worker::MakeCommitThread() {
  ASSIGN_OR_RETURN(
      transaction_,
      parts_.make_transaction(counts_.begin()->second, [this](const Epoch& e) {
        return CommitOffsets(e);
      }));
  commit_thread_ = std::make_unique<CommitThread>(
      *transaction_, clock_, [this](CommitThread::Done done) {
        const std::lock_guard lock(mutex_);
        commit_done_ = std::move(done);
        wake_.notify_all();
      });
  return Status::Ok();
}

void Worker::MakeOpener() {
  OpeningContext context{
      job_,     *parts_.source, *parts_.stores, parts_.changelog.get(),
      factory_, counters_,      clock_,         cluster_id_};
  LaneOpener::Events events;
  events.on_opened = [this](OpenedLane opened) {
    {
      const std::lock_guard lock(mutex_);
      opened_.push_back(std::move(opened));
    }
    Post([this] { return HandleOpened(); });
  };
  events.on_failed = [this](const TopicPartition&, Status status) {
    OnSourceFailed(std::move(status));
  };
  opener_ = std::make_unique<LaneOpener>(
      std::move(context), options_.broker_timeout, std::move(events));
}

Status Worker::Loop() {
  while (true) {
    // 1. What has happened: the group waits for our answer.
    if (std::optional<Command> command = NextCommand()) {
      RETURN_IF_ERROR((*command)());
      continue;
    }
    {
      const std::lock_guard lock(mutex_);
      if (!failure_.ok()) return failure_;
      if (stop_) return Status::Ok();
    }
    // 2. What is due.
    const Status status = Tick();
    if (status.code() == StatusCode::kCancelled) return Status::Ok();
    RETURN_IF_ERROR(status);
  }
}

// kCancelled: the ends are reached.
Status Worker::Tick() {
  const SteadyTime now = clock_.Steady();
  if (now >= next_commit_ && !committing_ && !settling_) {
    next_commit_ = now + job_.commit.interval;
    if (!StartCommit() && options_.until_end) {
      ASSIGN_OR_RETURN(const bool reached, ReachedEnds());
      if (reached) return {StatusCode::kCancelled, "at the ends"};
    }
  }
  if (now >= next_check_) {
    next_check_ = now + kCheckInterval;
    RETURN_IF_ERROR(CheckPartitionCounts());
    FlushQuietLanes();
  }
  CheckIdleIfDue();
  ReportIfDue();
  return Status::Ok();
}

// Waits until there is a command, or something else to do.
std::optional<Worker::Command> Worker::NextCommand() {
  const bool busy = committing_ || settling_;
  std::unique_lock lock(mutex_);
  const SteadyTime due =
      busy ? std::min(next_check_, next_report_) : next_commit_;
  wake_.wait_until(lock, std::min(due, next_idle_), [&] {
    return !commands_.empty() || !failure_.ok() || stop_ ||
           commit_done_.has_value() || (epoch_full_ && !busy);
  });
  if (commit_done_.has_value()) {
    auto done = std::make_shared<CommitThread::Done>(std::move(*commit_done_));
    commit_done_.reset();
    return [this, done] { return HandleCommitDone(*done); };
  }
  if (!busy && std::exchange(epoch_full_, false)) {
    next_commit_ = clock_.Steady();
  }
  if (commands_.empty()) return std::nullopt;
  Command command = std::move(commands_.front());
  commands_.pop_front();
  return command;
}

// In this order: no more batches, the last epoch (which needs live
// membership), lanes idle and closed, out of the group.
Status Worker::Shutdown(Status status) {
  {
    const std::lock_guard lock(mutex_);
    // Told to stop while waiting for a broker: that is no failure.
    if (stop_ && status.code() == StatusCode::kCancelled) status = {};
  }
  if (opener_ != nullptr) opener_->Cancel();
  lanes_->StopAll();
  if (commit_thread_ != nullptr && !CommitLastEpoch() && status.ok()) {
    status = last_commit_;
  }
  opener_.reset();
  idle_prober_.reset();
  DropLanes();
  std::vector<std::unique_ptr<Lane>> rest = std::move(orphans_);
  for (auto& [tp, lane] : suspended_) rest.push_back(std::move(lane));
  suspended_.clear();
  pending_.clear();  // Readers go before the source is closed.
  // Nothing refers to an epoch from here on.
  if (commit_thread_ != nullptr) commit_thread_->Stop();
  CloseLanes(std::move(rest));
  transaction_.reset();
  // A rebalance that nobody has answered keeps the member from leaving; an
  // answer that nobody waits for does so, too.
  if (unanswered_ > 0) (void)parts_.source->Unassign().ok();
  parts_.source->Close(options_.leave);
  return status;
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

}  // namespace tacho
