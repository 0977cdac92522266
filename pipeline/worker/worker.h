#pragma once

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pipeline/base/mutex.h"
#include "pipeline/base/time.h"
#include "pipeline/consume/group_member.h"
#include "pipeline/job/job.h"
#include "pipeline/lane/lane_graph.h"
#include "pipeline/worker/epoch_driver.h"
#include "pipeline/worker/fetch_turns.h"
#include "pipeline/worker/idle_prober.h"
#include "pipeline/worker/input_watch.h"
#include "pipeline/worker/lane_factory.h"
#include "pipeline/worker/lane_loads.h"
#include "pipeline/worker/lane_set.h"
#include "pipeline/worker/metric_table.h"
#include "pipeline/worker/take_over_thread.h"
#include "pipeline/worker/worker_parts.h"

namespace tacho {

// One member of the group, from joining to leaving. Run is the control loop:
// it alone decides when lanes are opened, frozen, suspended and closed. While
// partitions stay it waits for the network for no more than a second: taking
// over is the take-over thread's work, committing its drivers', asking whether
// a partition is empty the idle prober's. They, the group thread and the lanes
// only leave it messages. When partitions go it waits for the last epoch.
//
// The process ends when an epoch driver has failed: when reopening does not
// help for `broker_timeout`, or cannot.
//
// Threading: Run from one thread; Stop, Reports and Totals from any.
class Worker final : public GroupListener,
                     public LaneEvents,
                     public EpochEvents {
 public:
  Worker(const Job& job, WorkerOptions options, WorkerParts parts,
         const Clock& clock = SystemClock());
  ~Worker() override;

  // Works until Stop, the ends (until_end), or a failure: the status says why.
  Status Run();
  // Drains: last commit, flush, close. Noexcept, callable many times.
  void Stop();

  std::vector<LaneReport> Reports() const;
  // Messages not processed yet; none: of some partition that is not known.
  std::optional<int64_t> Lag() const;
  LaneMetrics Totals() const { return counters_.Totals(); }
  // REQUIRES: Run has returned, or runs this.
  WorkerMetrics Metrics() const;
  // One line with every counter that is not quiet. REQUIRES: the same.
  void LogTotals(const char* event);

  // GroupListener.
  void OnAssign(std::vector<TopicPartition> partitions,
                GroupMembership membership) override;
  void OnRevoke(std::vector<TopicPartition> partitions, bool lost) override;
  void OnFenced(Status status) override;
  void OnSourceFailed(Status status) override;
  // LaneEvents.
  void OnEpochFull() override;
  void OnLaneFailed(Lane& lane, Status status) override;
  // EpochEvents.
  void OnAnswer() override;
  void OnCommitted(EpochDriver& driver) override;
  Status OnDamaged(const TopicPartition& tp, const Status& status) override;
  void OnDrop(EpochDriver& driver) override;
  void OnReady(EpochDriver& driver) override;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Command = std::function<Status()>;

  // worker.cc: the control loop.
  Result<bool> Start();
  Status Preflight();
  Status CountPartitions() { return input_.Start(); }
  Status AskClusterId();
  // Sizes queues, buffers and caches by the partitions there are. In
  // worker_memory.cc, as WarnOfStateReads.
  Status ShareMemory();
  Status MakeDrivers();
  void MakeTakeOvers();
  Status CaptureEnds();
  Status Loop();
  Result<bool> Tick();
  Status Shutdown(Status status);
  void StopThreads();
  void CloseAllLanes();
  void LeaveGroup();
  // Runs on the control loop, in order of posting.
  void Post(Command command);
  // The worker ends for this, unless it ends for something earlier.
  void Fail(Status status);
  std::vector<TakenOverLane> TakeOpened();
  std::optional<Command> NextCommand();
  // Calls `attempt` until it succeeds, fails for good, or time is up. False:
  // told to stop meanwhile.
  Result<bool> Retry(const std::string& what,
                     const std::function<Status()>& attempt);

  // worker_lanes.cc: partitions come and go.
  Status HandleAssign(const std::vector<TopicPartition>& partitions,
                      const GroupMembership& membership);
  Status HandleRevoke(bool lost);
  Status HandleOpened();
  Status StartLane(TakenOverLane opened);
  Status HandleLoaded(const TopicPartition& tp, uint64_t ticket,
                      const Status& status, Offset start);
  Status HandleLaneFailed(const TopicPartition& tp, const Status& status);
  // Nothing of the assignment is opened any more, or known.
  void Withdraw();
  // And nothing of it is kept.
  void LetGo();
  // Takes the driver's partitions over, once nothing of an earlier epoch is
  // under way.
  void OpenAssigned(EpochDriver& driver);
  TakeOverRequest MakeRequest(const TopicPartition& tp);
  void CloseOpened();
  // The lane's store has lost what it was given.
  Status ReopenDamaged(const LaneSet::Entry& entry, const Status& status);
  // The lanes stay as their last epoch left them, in case they come back.
  void SuspendLanes();
  void CloseSuspended();
  // One last epoch of what the stopped lanes have done. Not ok: not all of it
  // is committed and applied.
  Status CommitLastEpoch();
  Status ReopenAll();
  // The member is out of the group, and is made anew.
  Status HandleFenced(const Status& status);
  // Says so if decoded state does not fit its part of the memory.
  void WarnOfStateReads();
  // A lane without input has no epoch that would see to it.
  void FlushQuietLanes();

  // worker_idle.cc: time in partitions that are empty.
  void StartIdleChecks();
  void CheckIdleIfDue();
  Status HandleIdle(const TopicPartition& tp, const IdleProof& proof);

  // worker_report.cc: now and then.
  Result<bool> ReachedEnds();
  // What a question to the brokers came to.
  void NoteAnswer(const Status& status);
  // Not ok: lanes stand still before their ends, and will not reach them.
  Status CheckEndsAreNearer();
  void ReportIfDue();
  WorkerProgress Progress() const;
  std::string WaitingFor(const std::vector<LaneReport>& reports) const;
  double SecondsSince(SteadyTime start) const;

  const Job& job_;
  const WorkerOptions options_;
  const Clock& clock_;
  WorkerParts parts_;
  LaneCounters counters_;
  LaneFactory factory_;
  std::unique_ptr<LaneGraph> graph_;
  std::unique_ptr<LaneSet> lanes_;
  LaneLoads loads_;
  FetchTurns turns_;
  InputWatch input_;

  std::map<TopicPartition, Offset> ends_;  // until_end only.
  std::string cluster_id_;
  // Each with the claim to its lane, from the assignment on. A take-over whose
  // ticket it does not bear is stale.
  std::map<TopicPartition, LaneClaim> assigned_;
  std::atomic<int> assigned_count_{-1};  // -1: no assignment.
  uint64_t tickets_ = 0;                 // Given out.
  // Lanes of the last assignment, as their last epoch left them.
  std::map<TopicPartition, std::unique_ptr<Lane>> suspended_;
  std::vector<TakeOverRequest> pending_;  // Waiting for OpenAssigned.
  // Partitions whose store was found damaged, and how often.
  std::map<TopicPartition, int> damaged_;
  std::set<TopicPartition> discard_;
  MemoryPlan memory_;
  uint64_t state_reads_ = 0;        // At the last look.
  size_t input_message_bytes_ = 0;  // The greatest of a topic; 0: unknown.
  const std::shared_ptr<EpochBudget> epochs_;  // Effective commit.bytes.
  SteadyTime next_check_{};
  SteadyTime next_report_{};
  SteadyTime next_idle_ = SteadyTime::max();
  bool rejoined_ = false;     // Since an epoch was last committed,
  SteadyTime rejoined_at_{};  // and when.
  Millis idle_interval_{0};
  SteadyTime assigned_at_{};      // First assignment.
  double worked_ = 0;             // Seconds from there to the end of the loop.
  Offset ends_left_ = kNoOffset;  // until_end: offsets short of the ends,
  SteadyTime nearer_at_{};        // and when that was last less.
  Status silence_;  // Why the last question has no answer; ok: it has one.
  SteadyTime silent_since_{};
  uint64_t latency_logged_ = 0;          // Commits by then.
  std::optional<WorkerProgress> final_;  // Before the lanes were let go.

  std::atomic<int> unanswered_{0};      // Rebalances.
  std::atomic<int> membership_era_{0};  // Counts the members it has been.

  mutable Mutex mutex_;
  CondVar wake_;
  std::deque<Command> commands_ GUARDED_BY(mutex_);
  // Of the take-over thread, not looked at yet.
  std::vector<TakenOverLane> opened_ GUARDED_BY(mutex_);
  Status failure_ GUARDED_BY(mutex_);
  bool stop_ GUARDED_BY(mutex_) = false;
  bool epoch_full_ GUARDED_BY(mutex_) = false;

  // Last, so that their threads end before what they use.
  std::vector<std::unique_ptr<EpochDriver>> drivers_;  // One.
  std::unique_ptr<TakeOverThread> take_overs_;
  std::unique_ptr<IdleProber> idle_prober_;
};

}  // namespace tacho
