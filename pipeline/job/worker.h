#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "pipeline/base/metrics.h"
#include "pipeline/base/time.h"
#include "pipeline/commit/changelog.h"
#include "pipeline/commit/commit_thread.h"
#include "pipeline/consume/source.h"
#include "pipeline/job/idle_prober.h"
#include "pipeline/job/job.h"
#include "pipeline/job/lane_factory.h"
#include "pipeline/job/lane_opener.h"
#include "pipeline/job/lane_set.h"
#include "pipeline/job/lane_stores.h"
#include "pipeline/lane/lane_graph.h"

namespace tacho {

struct WorkerOptions {
  int threads = 0;               // TBB workers; 0: one a core.
  bool leave = false;            // A static member leaves the group on stop.
  bool until_end = false;        // Stop at the ends captured at start.
  bool close_at_end = false;     // And emit what is still open there.
  Millis broker_timeout{60000};  // How long an absent broker is waited for.
  bool preflight = true;         // Ask first whether all is there.
  Millis report_interval{10000};
  // How often idle lanes are looked for; 0: a sixth of idle_timeout, 1 to 10 s.
  Millis idle_interval{0};
};

// What the worker is made of, by seam: made in the wiring, faked in tests.
struct WorkerParts {
  std::unique_ptr<MessageSource> source;
  // What the cluster lacks, before anything is joined; null: not asked.
  std::function<Result<OutputLimits>()> preflight;
  // Made once the partition counts are known.
  std::function<Result<std::unique_ptr<Transaction>>(
      int32_t input_partitions, std::function<Status(const Epoch&)>)>
      make_transaction;
  std::unique_ptr<LaneStores> stores;
  std::unique_ptr<Changelog> changelog;  // Exactly once only.
};

// Lag and position of one lane, for people and metrics.
struct LaneReport {
  TopicPartition tp;
  Offset next_offset = kNoOffset;
  Offset end_offset = kNoOffset;
};

// One member of the group, from joining to leaving. Run is the control loop:
// it alone decides when lanes are opened, frozen, suspended and closed, and it
// never waits for the network while it holds partitions: taking over is the
// opener's work, committing the commit thread's, asking whether a partition is
// empty the idle prober's. They, the group thread and the lanes only leave it
// messages.
//
// There is one way to reopen: after any epoch that failed, all lanes are
// dropped, what is open at the broker is settled, and the partitions are taken
// over from what Kafka has. The process ends only when that does not help for
// `broker_timeout`, or cannot.
//
// Threading: Run from one thread; Stop, Reports and Totals from any.
class Worker final : public GroupListener, public LaneEvents {
 public:
  Worker(const Job& job, WorkerOptions options, WorkerParts parts,
         const Clock& clock = SystemClock());
  ~Worker() override;

  // Works until Stop, the ends (until_end), or a failure: the status says why.
  Status Run();
  // Drains: last commit, flush, close. Noexcept, callable many times.
  void Stop();

  std::vector<LaneReport> Reports() const;
  LaneTotals Totals() const { return counters_.Totals(); }
  // One line with every counter.
  void LogTotals(const char* event) const;

  // GroupListener.
  void OnAssign(std::vector<TopicPartition> partitions,
                GroupMembership membership) override;
  void OnRevoke(std::vector<TopicPartition> partitions, bool lost) override;
  void OnSourceFailed(Status status) override;
  // LaneEvents.
  void OnEpochFull() override;
  void OnLaneFailed(Lane& lane, Status status) override;

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  using Command = std::function<Status()>;

  // worker.cc: the control loop.
  Status Start();
  Status Preflight();
  Status MakeCommitThread();
  void MakeOpener();
  Status CaptureEnds();
  Status Loop();
  Status Tick();
  Status Shutdown(Status status);
  // Runs on the control loop, in order of posting.
  void Post(Command command);
  std::vector<OpenedLane> TakeOpened();
  std::vector<std::unique_ptr<Lane>> TakeOpenedLanes();
  std::optional<Command> NextCommand();
  // Calls `attempt` until it succeeds, fails for good, or time is up.
  Status Retry(const std::string& what, const std::function<Status()>& attempt);

  // worker_lanes.cc: partitions come and go.
  Status HandleAssign(const std::vector<TopicPartition>& partitions,
                      const GroupMembership& membership);
  Status HandleRevoke(bool lost);
  Status HandleOpened();
  Status StartLane(OpenedLane opened);
  Status HandleLoaded(const TopicPartition& tp, const Status& status,
                      Offset start);
  Status HandleLaneFailed(const TopicPartition& tp, const Status& status);
  void Withdraw();
  void LetGo();
  // Takes over the assigned partitions, once nothing of an earlier epoch is
  // under way.
  void OpenAssigned();
  OpenRequest MakeRequest(const TopicPartition& tp);
  const Lane* FindDamaged() const;
  // The store has lost what it was given: the changelog has it.
  Status ReopenDamaged(const TopicPartition& tp, const Status& status);
  // The lanes go, and with them what they have not committed. While a commit
  // is under way that refers to them they are kept aside.
  void DropLanes();
  // The lanes stay as their last epoch left them, in case they come back.
  void SuspendLanes();
  void CloseSuspended();
  Status CheckPartitionCounts();
  // A lane without input has no epoch that would see to it.
  void FlushQuietLanes();

  // worker_epochs.cc: epochs.
  bool StartCommit();
  void FreezeLanes(Epoch& epoch);
  Status HandleCommitDone(CommitThread::Done& done);
  Status HandleEpochFailed(const Status& status);
  Status HandleSettled(const Status& status);
  void FinishEpoch(const Epoch& epoch);
  void AdaptEpochBytes(bool committed);
  // Waits until the commit thread is idle, and handles what it has done.
  // False: it was not within the time.
  bool AwaitCommit(SteadyTime deadline);
  // One last epoch of what the stopped lanes have done. True: all of it is
  // committed and applied.
  bool CommitLastEpoch();
  Status CommitOffsets(const Epoch& epoch);

  // worker_idle.cc: time in partitions that are empty.
  void StartIdleChecks();
  void CheckIdleIfDue();
  Status HandleIdle(const TopicPartition& tp, const IdleProof& proof);

  // worker_report.cc: now and then.
  Result<bool> ReachedEnds();
  void ReportIfDue();
  void LogCommitLatency() const;
  double SecondsSince(SteadyTime start) const;

  const Job& job_;
  const WorkerOptions options_;
  const Clock& clock_;
  WorkerParts parts_;
  LaneCounters counters_;
  LaneFactory factory_;
  std::unique_ptr<LaneGraph> graph_;
  std::unique_ptr<LaneSet> lanes_;

  std::map<std::string, int32_t> counts_;  // Partitions by topic.
  std::map<TopicPartition, Offset> ends_;  // until_end only.
  std::string cluster_id_;
  std::vector<TopicPartition> assigned_;
  GroupMembership membership_;  // Of this assignment.
  // Lanes of the last assignment, as their last epoch left them.
  std::map<TopicPartition, std::unique_ptr<Lane>> suspended_;
  // Dropped lanes that a commit under way still refers to.
  std::vector<std::unique_ptr<Lane>> orphans_;
  std::vector<OpenRequest> pending_;  // Waiting for OpenAssigned.
  uint64_t ticket_ = 0;  // Of what is opened now; what is older is stale.
  // Partitions whose store was found damaged, and how often.
  std::map<TopicPartition, int> damaged_;
  std::set<TopicPartition> discard_;
  std::optional<Status> reopen_;  // Wanted as soon as no epoch is under way.
  bool committing_ = false;       // An epoch is with the commit thread.
  bool settling_ = false;         // It settles what a failed epoch left.
  Status last_commit_;            // Of the last epoch.
  uint64_t epoch_bytes_;          // Effective commit.bytes.
  std::optional<SteadyTime> failing_since_;
  SteadyTime committed_at_{};  // When an epoch was last handed over.
  SteadyTime next_commit_{};
  SteadyTime next_check_{};
  SteadyTime next_report_{};
  SteadyTime next_idle_ = SteadyTime::max();
  Millis idle_interval_{0};
  SteadyTime assigned_at_{};  // First assignment.
  double worked_ = 0;         // Seconds from there to the end of the loop.

  std::atomic<int> unanswered_{0};  // Rebalances.

  mutable std::mutex mutex_;  // Guards what follows.
  std::condition_variable wake_;
  std::deque<Command> commands_;
  std::vector<OpenedLane> opened_;  // Of the opener, not looked at yet.
  std::optional<CommitThread::Done> commit_done_;
  Status failure_;
  bool stop_ = false;
  bool epoch_full_ = false;

  // Last, so that their threads end before what they use.
  std::unique_ptr<Transaction> transaction_;
  std::unique_ptr<CommitThread> commit_thread_;
  std::unique_ptr<LaneOpener> opener_;
  std::unique_ptr<IdleProber> idle_prober_;
};

}  // namespace tacho
