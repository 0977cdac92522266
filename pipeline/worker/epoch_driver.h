#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "pipeline/base/mutex.h"
#include "pipeline/base/time.h"
#include "pipeline/commit/commit_thread.h"
#include "pipeline/commit/epoch_writer.h"
#include "pipeline/lane/epoch_budget.h"
#include "pipeline/lane/lane_graph.h"
#include "pipeline/worker/lane_set.h"

namespace tacho {

// What a driver tells its worker, and asks of it.
// Threading: the control thread, from within calls to the driver; OnAnswer is
// called on the commit thread and returns at once.
class EpochEvents {
 public:
  virtual ~EpochEvents() = default;
  // HandleAnswer has something to do.
  virtual void OnAnswer() = 0;
  // An epoch is committed, and its state is in the stores.
  virtual void OnCommitted(EpochDriver& driver) = 0;
  // A lane's store did not take its part of an epoch. Ok: the lane can be
  // opened again without what the store holds. Not ok: the driver fails.
  virtual Status OnDamaged(const TopicPartition& tp, const Status& status) = 0;
  // The driver drops its lanes: what is being opened for it is to be given up.
  virtual void OnDrop(EpochDriver& driver) = 0;
  // Nothing of an epoch is under way, and no lane of an earlier one is open:
  // the driver's partitions may be taken over.
  virtual void OnReady(EpochDriver& driver) = 0;
};

struct EpochDriverOptions {
  Millis interval{1000};         // Between the beginnings of two epochs.
  Millis broker_timeout{60000};  // How long failures may go on.
  uint64_t epoch_bytes = uint64_t{64} << 20;  // At most, of `budget`.
};

// Drives the epochs of the lanes that are its own: freezes them, has the epoch
// committed on a thread of its own, and starts over after a failure. A worker
// has one or several; drivers share nothing but the graph and the set that
// their lanes are in.
//
// There is one way to reopen: after any epoch that failed, all lanes of the
// driver are dropped, what is open at the broker is settled, and OnReady asks
// for the partitions to be taken over from what Kafka has. Lanes that are
// dropped while an epoch refers to them (orphans) are kept until it has ended.
//
// Threading: the control thread, unless a method says otherwise.
// Errors: a status that is not ok says that the driver has failed; the worker
// ends with it.
class EpochDriver {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  //             StartCommit                   DropLanes
  //   kIdle ────────────────────▶ kCommitting ──────────▶ kOrphaned
  //   ▲ ▲ │                        │      │                │     │
  //   │ │ │                        │      │ not committed, │     │
  //   │ └─┼────── committed ───────┴──────┼── or a wish ───┘     │
  //   │   │                               │                      │
  //   │   │ Reopen                        ▼                      │
  //   │   └─────────────────────────▶ kSettling ◀─ not committed ┘
  //   └────────── settled ────────────────┘
  //
  // Any of them becomes kFailed by a failure that stays, or that has gone on
  // for broker_timeout; nothing leads out of it.
  enum class State : uint8_t {
    kIdle,        // Lanes may be opened, and run; an epoch may be started.
    kCommitting,  // An epoch is with the commit thread.
    kOrphaned,    // The same, and its lanes have been dropped.
    kSettling,    // The lanes were dropped; what a failed epoch left is ended.
    kFailed,      // Nothing more is committed.
  };

  // Why lanes are opened again from what Kafka has.
  enum class Cause : uint8_t {
    kFault,      // Of the brokers, or of a lane. It counts: see broker_timeout.
    kTakenAway,  // A partition of the epoch, or the wish to commit it.
    kDamage,     // A store's: Kafka has what it has lost.
    kInputBack,  // Lanes have stopped because their input was missing.
  };

  // `budget` is what the driver's lanes hold of epochs; all else outlives it.
  EpochDriver(std::unique_ptr<EpochWriter> writer, LaneGraph& graph,
              LaneSet& lanes, std::shared_ptr<EpochBudget> budget,
              const EpochDriverOptions& options, EpochEvents& events,
              const Clock& clock);
  ~EpochDriver();

  State state() const { return state_; }
  bool idle() const { return state_ == State::kIdle; }
  bool failed() const { return state_ == State::kFailed; }
  // Of the last epoch, until what it left is settled; of kFailed, why.
  const CommitResult& last() const { return last_; }

  // When the next epoch is due; never, while one is under way.
  SteadyTime due() const { return idle() ? due_ : SteadyTime::max(); }
  void MakeDue() { due_ = clock_.Steady(); }
  // Freezes the lanes. False: there is nothing to commit. REQUIRES: idle().
  bool StartCommit();

  // True: the commit thread has said what became of its work. Any thread.
  bool answered() const;
  // Goes on from there. Nothing to do if it has not answered.
  Status HandleAnswer();

  // Starts over now, or once the epoch under way has ended.
  Status Reopen(Cause cause, const Status& why);
  // The same, for a lane that has failed in a way that passes. It counts from
  // the first of failures that are no further than broker_timeout apart.
  Status ReopenFailedLane(const Status& why);
  // A new assignment begins: failures of before it do not count.
  void ForgetFailures() { failing_since_.reset(); }

  // The lanes go, and with them what they have not committed. An epoch under
  // way is abandoned, and they are kept until it has ended.
  void DropLanes();

  // One last epoch of what the lanes, which are stopped, have done. Not ok:
  // not all of it is committed and applied by then, and the rest is abandoned;
  // failed() says whether that was for good.
  Status CommitLastEpoch(SteadyTime deadline);
  // Waits until no epoch is under way, whatever becomes of it. False: one
  // still is.
  bool AwaitEpoch(SteadyTime deadline);

  // Abandons what is under way, waits for it, and closes the lanes that it
  // refers to. Nothing but Close and the metrics may be used afterwards.
  void Stop();
  // Closes the producer. REQUIRES: stopped.
  void Close() { writer_.reset(); }

  // Any thread.
  const CommitMetrics& metrics() const { return commit_thread_->metrics(); }
  const EpochWriterMetrics& writer_metrics() const { return *writer_metrics_; }

 private:
  struct Wish {
    Cause cause;
    Status why;
  };

  // The only place where the state changes. REQUIRES: the drawing has it.
  void Enter(State next);
  bool epoch_under_way() const {
    return state_ == State::kCommitting || state_ == State::kOrphaned;
  }
  void FreezeLanes(Epoch& epoch);
  void FinishEpoch(const Epoch& epoch);
  Status HandleEpochEnd(const CommitThread::Done& done);
  Status HandleSettled(const CommitResult& result);
  Status StartOver(Cause cause, const Status& why);
  Status Fail(Status why);
  const Lane* FindDamaged() const;
  void AdaptEpochBytes(bool committed);
  bool AwaitAnswer(SteadyTime deadline);
  bool AwaitIdle(SteadyTime deadline);
  RetryPolicy Retries() const;

  LaneGraph& graph_;
  LaneSet& lanes_;
  const std::shared_ptr<EpochBudget> budget_;
  const EpochDriverOptions options_;
  EpochEvents& events_;
  const Clock& clock_;

  State state_ = State::kIdle;
  CommitResult last_;
  std::optional<Wish> wish_;  // kCommitting only.
  std::vector<std::unique_ptr<Lane>> orphans_;
  std::optional<SteadyTime> failing_since_;
  SteadyTime lane_failed_at_{};  // When one last did in a way that passes.
  SteadyTime started_at_;        // When the last epoch was handed over.
  SteadyTime due_;

  mutable Mutex mutex_;
  CondVar wake_;
  std::optional<CommitThread::Done> answer_ GUARDED_BY(mutex_);

  // Last, so that the thread ends before what it uses.
  std::unique_ptr<EpochWriter> writer_;
  const std::shared_ptr<const EpochWriterMetrics> writer_metrics_;
  std::unique_ptr<CommitThread> commit_thread_;
};

}  // namespace tacho
