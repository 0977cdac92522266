#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/metrics.h"
#include "pipeline/base/time.h"
#include "pipeline/commit/committer.h"
#include "pipeline/consume/source.h"
#include "pipeline/job/job.h"
#include "pipeline/job/lane_set.h"
#include "pipeline/lane/lane_graph.h"

namespace tacho {

struct WorkerOptions {
  int threads = 0;               // TBB workers; 0: one a core.
  bool leave = false;            // A static member leaves the group on stop.
  bool until_end = false;        // Stop at the ends captured at start.
  bool close_at_end = false;     // And emit what is still open there.
  Millis broker_timeout{60000};  // How long an absent broker is waited for.
  Millis report_interval{10000};
};

// What the worker is made of, by seam: made in the wiring, faked in tests.
struct WorkerParts {
  std::unique_ptr<MessageSource> source;
  // Made once the partition counts are known.
  std::function<Result<std::unique_ptr<Transaction>>(
      int32_t input_partitions, std::function<Status(const Epoch&)>)>
      make_transaction;
  std::unique_ptr<LaneStores> stores;
};

// Lag and position of one lane, for people and metrics.
struct LaneReport {
  TopicPartition tp;
  Offset next_offset = kNoOffset;
  Offset end_offset = kNoOffset;
};

// One member of the group, from joining to leaving: opens lanes when
// partitions are assigned, freezes and commits every interval, closes lanes
// when they are revoked.
//
// Run is the control loop and the committer in one thread: it is the only one
// that opens, freezes, commits and closes. The group thread and the lanes only
// leave it messages.
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
  LaneTotals Totals() const;
  // One line with every counter.
  void LogTotals(const char* event) const;

  // GroupListener.
  void OnAssign(std::vector<TopicPartition> partitions) override;
  void OnRevoke(std::vector<TopicPartition> partitions, bool lost) override;
  void OnSourceFailed(Status status) override;
  // LaneEvents.
  void OnEpochFull() override;
  void OnLaneFailed(Lane& lane, Status status) override;

 private:
  struct Command {
    enum Kind { kAssign, kRevoke } kind;
    std::vector<TopicPartition> partitions;
    bool lost = false;
  };
  using SteadyTime = std::chrono::steady_clock::time_point;

  Status Start();
  Status Loop();
  Status Shutdown(Status status);
  std::optional<Command> NextCommand();
  Status Handle(Command& command);
  Status HandleRevoke(const Command& command);

  Status OpenLanes(const std::vector<TopicPartition>& partitions);
  Result<Offset> ResolveStart(const TopicPartition& tp, bool old_group);
  Status LoadLanes();
  Status CommitCycle(const RetryPolicy& retry);
  void FreezeLanes(Epoch& epoch);
  Status CommitEpoch(Epoch& epoch, const RetryPolicy& retry);
  void FinishEpoch(Epoch& epoch);
  Status CommitOffsets(const Epoch& epoch);

  Status CheckPartitionCounts();
  Result<bool> ReachedEnds();
  void ReportIfDue();
  double SecondsSince(SteadyTime start) const;
  bool WaitForRetry(Millis delay);
  // Calls `attempt` until it succeeds, fails for good, or time is up.
  Status Retry(const std::string& what, const std::function<Status()>& attempt);

  const Job& job_;
  const WorkerOptions options_;
  const Clock& clock_;
  WorkerParts parts_;
  std::unique_ptr<Transaction> transaction_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<LaneGraph> graph_;
  std::unique_ptr<LaneSet> lanes_;

  std::map<std::string, int32_t> counts_;  // Partitions by topic.
  std::map<TopicPartition, Offset> ends_;  // until_end only.
  std::optional<Epoch> pending_;  // Frozen, given up on because of a revoke.
  bool commit_failed_ = false;    // For good: the frozen epoch is dropped.
  SteadyTime next_commit_{};
  SteadyTime next_check_{};
  SteadyTime next_report_{};
  SteadyTime assigned_at_{};  // First assignment.
  double worked_ = 0;         // Seconds from there to the end of the loop.

  mutable std::mutex mutex_;  // Guards what follows.
  std::condition_variable wake_;
  std::deque<Command> commands_;
  Status failure_;
  bool stop_ = false;
  bool draining_ = false;  // In Shutdown.
  bool epoch_full_ = false;
};

}  // namespace tacho
