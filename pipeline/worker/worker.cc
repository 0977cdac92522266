// The control loop: commands in, lanes and epochs steered.

#include "pipeline/worker/worker.h"

#include <algorithm>
#include <thread>
#include <utility>

#include "pipeline/base/exit_watchdog.h"
#include "pipeline/base/log.h"

namespace tacho {
namespace {

constexpr Millis kRequestTimeout{5000};
constexpr Millis kCheckInterval{15000};
// Of a thread that has been told to end: what it waits for has a limit too.
constexpr Millis kJoinLimit{5000};

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
      counters_(RejectSites(job.decode).size()),
      factory_(job, parts_.stores->writer_id(), counters_, *this, clock),
      graph_(std::make_unique<LaneGraph>(ThreadCount(options.threads),
                                         job.schema)),
      lanes_(std::make_unique<LaneSet>(*graph_)),
      loads_(*graph_),
      turns_(*parts_.member, *graph_, *lanes_, clock),
      input_(job, *parts_.log, clock, options.until_end,
             [this](const Status& status) { NoteAnswer(status); }),
      epochs_(std::make_shared<EpochBudget>(job.commit.bytes)) {}

Worker::~Worker() = default;

// ---- What other threads leave for the control loop.

void Worker::Post(Command command) {
  const MutexLock lock(mutex_);
  commands_.push_back(std::move(command));
  wake_.NotifyAll();
}

std::vector<TakenOverLane> Worker::TakeOpened() {
  const MutexLock lock(mutex_);
  return std::exchange(opened_, {});
}

void Worker::Stop() {
  const MutexLock lock(mutex_);
  stop_ = true;
  wake_.NotifyAll();
}

void Worker::OnAssign(std::vector<TopicPartition> partitions,
                      GroupMembership membership) {
  ++unanswered_;
  Post([this, partitions = std::move(partitions),
        membership = std::move(membership), era = membership_era_.load()] {
    if (era != membership_era_) return Status::Ok();
    return HandleAssign(partitions, membership);
  });
}

void Worker::OnRevoke(std::vector<TopicPartition> /*partitions*/, bool lost) {
  if (lost) {
    // The fence closes at once, also for a commit that is under way.
    lanes_->ForEach([](Lane& lane) { lane.Detach(); });
  }
  ++unanswered_;
  Post([this, lost, era = membership_era_.load()] {
    if (era != membership_era_) return Status::Ok();
    return HandleRevoke(lost);
  });
}

void Worker::OnFenced(Status status) {
  Post([this, status = std::move(status), era = membership_era_.load()] {
    if (era != membership_era_) return Status::Ok();
    return HandleFenced(status);
  });
}

void Worker::OnSourceFailed(Status status) {
  if (status.code() == StatusCode::kNotFound) {
    Post([this, status = std::move(status)] {
      input_.NoteMissing(status);
      return Status::Ok();
    });
    return;
  }
  Fail(std::move(status));
}

void Worker::Fail(Status status) {
  const MutexLock lock(mutex_);
  if (failure_.ok()) failure_ = std::move(status);
  wake_.NotifyAll();
}

void Worker::OnEpochFull() {
  const MutexLock lock(mutex_);
  epoch_full_ = true;
  wake_.NotifyAll();
}

void Worker::OnAnswer() {
  const MutexLock lock(mutex_);
  wake_.NotifyAll();
}

void Worker::OnLaneFailed(Lane& lane, Status status) {
  Post([this, tp = lane.tp(), status = std::move(status)] {
    return HandleLaneFailed(tp, status);
  });
}

// ---- The control loop.

Status Worker::Run() {
  const Result<bool> joined = Start();
  Status status = joined.status();
  if (joined.ok() && *joined) status = Loop();
  worked_ = SecondsSince(assigned_at_);
  return Shutdown(std::move(status));
}

// False: told to stop before joining. A member that joins only to leave makes
// the whole group rebalance.
Result<bool> Worker::Start() {
  struct Step {
    const char* name;
    Status (Worker::*run)();
  };
  constexpr Step kSteps[] = {
      {"preflight", &Worker::Preflight},
      {"partition counts", &Worker::CountPartitions},
      {"memory", &Worker::ShareMemory},
      {"end offsets", &Worker::CaptureEnds},
      // Before subscribing: what an earlier life left open is ended first.
      {"producer", &Worker::MakeDrivers},
      {"cluster id", &Worker::AskClusterId},
  };
  for (const Step& step : kSteps) {
    ASSIGN_OR_RETURN(const bool done,
                     Retry(step.name, [&] { return (this->*step.run)(); }));
    if (!done) return false;
  }
  MakeTakeOvers();
  StartIdleChecks();
  const SteadyTime now = clock_.Steady();
  next_check_ = now + kCheckInterval;
  next_report_ = now + options_.report_interval;
  {
    const MutexLock lock(mutex_);
    if (stop_) return false;
  }
  RETURN_IF_ERROR(parts_.member->Start(*this));
  return true;
}

Status Worker::AskClusterId() {
  ASSIGN_OR_RETURN(cluster_id_, parts_.log->ClusterId(kRequestTimeout));
  return Status::Ok();
}

Status Worker::CaptureEnds() {
  if (!options_.until_end) return Status::Ok();
  for (const auto& [topic, count] : input_.counts()) {
    for (int32_t p = 0; p < count; ++p) {
      const TopicPartition tp{topic, p};
      ASSIGN_OR_RETURN(const LogEnd end, parts_.log->End(tp, kRequestTimeout));
      // What an open transaction holds back is there, so it is waited for.
      ends_[tp] = end.high_watermark;
      if (end.last_stable == end.high_watermark) continue;
      LogTransactionHold("to reach the end of this run", tp,
                         parts_.log->InputHold(tp, end), Millis(0));
    }
  }
  return Status::Ok();
}

Status Worker::Preflight() {
  if (parts_.preflight == nullptr) return Status::Ok();
  ASSIGN_OR_RETURN(const OutputLimits limits, parts_.preflight());
  input_message_bytes_ = limits.input_message_bytes;
  return Status::Ok();
}

Status Worker::MakeDrivers() {
  ASSIGN_OR_RETURN(std::unique_ptr<EpochWriter> writer,
                   parts_.make_writer(input_.counts().begin()->second));
  EpochDriverOptions options;
  options.interval = job_.commit.interval;
  options.broker_timeout = options_.broker_timeout;
  options.epoch_bytes = memory_.commit_bytes;
  drivers_.push_back(std::make_unique<EpochDriver>(
      std::move(writer), *graph_, *lanes_, epochs_, options, *this, clock_));
  return Status::Ok();
}

void Worker::MakeTakeOvers() {
  TakeOverContext context{job_,
                          *parts_.member,
                          *parts_.log,
                          *parts_.stores,
                          parts_.changelog.get(),
                          factory_,
                          counters_,
                          clock_,
                          options_.changelog_check};
  TakeOverThread::Events events;
  events.on_opened = [this](TakenOverLane opened) {
    {
      const MutexLock lock(mutex_);
      opened_.push_back(std::move(opened));
    }
    Post([this] { return HandleOpened(); });
  };
  events.on_failed = [this](const TopicPartition&, Status status) {
    OnSourceFailed(std::move(status));
  };
  take_overs_ = std::make_unique<TakeOverThread>(
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
      const MutexLock lock(mutex_);
      if (!failure_.ok()) return failure_;
      if (stop_) return Status::Ok();
    }
    // 2. What is due.
    ASSIGN_OR_RETURN(const bool at_the_ends, Tick());
    if (at_the_ends) return Status::Ok();
  }
}

// True: the ends are reached.
Result<bool> Worker::Tick() {
  const SteadyTime now = clock_.Steady();
  bool due = false;
  bool started = false;
  for (const auto& driver : drivers_) {
    if (now < driver->due()) continue;
    due = true;
    started = driver->StartCommit() || started;
  }
  if (due && !started && options_.until_end) {
    ASSIGN_OR_RETURN(const bool reached, ReachedEnds());
    if (reached) return true;
    RETURN_IF_ERROR(CheckEndsAreNearer());
  }
  if (now >= next_check_) {
    next_check_ = now + kCheckInterval;
    RETURN_IF_ERROR(input_.Check());
    FlushQuietLanes();
    WarnOfStateReads();
  }
  ASSIGN_OR_RETURN(const bool back, input_.AskIfDue());
  if (back) RETURN_IF_ERROR(ReopenAll());
  turns_.RotateIfDue();
  CheckIdleIfDue();
  ReportIfDue();
  return false;
}

// Waits until there is a command, or something else to do.
std::optional<Worker::Command> Worker::NextCommand() {
  SteadyTime due = SteadyTime::max();
  for (const auto& driver : drivers_) due = std::min(due, driver->due());
  const bool idle = due != SteadyTime::max();
  const auto answered = [this] {
    const auto found =
        std::find_if(drivers_.begin(), drivers_.end(),
                     [](const auto& driver) { return driver->answered(); });
    return found == drivers_.end() ? nullptr : found->get();
  };
  const MutexLock lock(mutex_);
  const SteadyTime until = std::min({due, next_check_, next_report_, next_idle_,
                                     input_.next(), turns_.next()});
  wake_.WaitFor(mutex_, until - clock_.Steady(), [&]() REQUIRES(mutex_) {
    return !commands_.empty() || !failure_.ok() || stop_ ||
           answered() != nullptr || (epoch_full_ && idle);
  });
  if (EpochDriver* const driver = answered()) {
    return [driver] { return driver->HandleAnswer(); };
  }
  if (idle && std::exchange(epoch_full_, false)) {
    for (const auto& driver : drivers_) driver->MakeDue();
  }
  if (commands_.empty()) return std::nullopt;
  Command command = std::move(commands_.front());
  commands_.pop_front();
  return command;
}

// In this order: no more batches, the last epoch (which needs live
// membership), lanes idle and closed, out of the group. Whatever of it does not
// return in time is the watchdog's.
Status Worker::Shutdown(Status status) {
  ExitWatchdog& watchdog = ExitWatchdog::Process();
  watchdog.Begin(job_.revoke_timeout + kExitGrace);
  if (!status.ok()) watchdog.SetOutcome(status);
  if (take_overs_ != nullptr) {
    const ExitStep step("stop taking partitions over", kJoinLimit);
    take_overs_->Cancel();
  }
  lanes_->StopAll();
  {
    const ExitStep step("commit the last epoch");
    const Status last = CommitLastEpoch();
    if (status.ok()) status = last;
  }
  watchdog.SetOutcome(status);
  final_ = Progress();
  StopThreads();
  CloseAllLanes();
  LeaveGroup();
  return status;
}

void Worker::StopThreads() {
  {
    const ExitStep step("end the take-overs", kJoinLimit);
    take_overs_.reset();
  }
  const ExitStep step("end the idle prober", kJoinLimit);
  idle_prober_.reset();
}

void Worker::CloseAllLanes() {
  const ExitStep step("close the lanes");
  for (const auto& driver : drivers_) driver->DropLanes();
  pending_.clear();  // Readers go before the member is closed.
  {
    // Nothing refers to an epoch from here on.
    const ExitStep join("end the commit thread", kJoinLimit);
    for (const auto& driver : drivers_) driver->Stop();
  }
  CloseSuspended();
}

void Worker::LeaveGroup() {
  {
    const ExitStep step("close the producer", kJoinLimit);
    for (const auto& driver : drivers_) driver->Close();
  }
  const ExitStep step("leave the group");
  // A rebalance that nobody has answered keeps the member from leaving; an
  // answer that nobody waits for does so, too.
  if (unanswered_ > 0) (void)parts_.member->Unassign().ok();
  parts_.member->Close(options_.leave);
}

Result<bool> Worker::Retry(const std::string& what,
                           const std::function<Status()>& attempt) {
  const SteadyTime deadline = clock_.Steady() + options_.broker_timeout;
  Millis backoff{100};
  while (true) {
    Status status;
    {
      const ExitStep step(what);
      status = attempt();
    }
    if (status.ok()) return true;
    if (!status.retryable() || clock_.Steady() >= deadline) return status;
    LOG(kWarn, "retry", {{"what", what}, {"reason", status.message()}});
    const MutexLock lock(mutex_);
    if (wake_.WaitFor(mutex_, backoff,
                      [this]() REQUIRES(mutex_) { return stop_; }))
      return false;
    backoff = std::min(backoff * 2, Millis(5000));
  }
}

}  // namespace tacho
