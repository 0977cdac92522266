#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "pipeline/base/latency.h"
#include "pipeline/base/metrics.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/commit/epoch.h"
#include "pipeline/commit/epoch_writer.h"

namespace tacho {

// How often, how slowly and how long an epoch is tried again.
struct RetryPolicy {
  Millis first_backoff{100};
  Millis max_backoff{5000};
  Millis give_up_after{60000};
};

// What became of an epoch, or of settling what a failed one left.
enum class CommitOutcome : uint8_t {
  kDone,       // What was asked for.
  kLost,       // A partition of it was taken away meanwhile.
  kAbandoned,  // Nobody wants it to be tried again.
  // Its state did not get into a store. Exactly once it is committed all the
  // same, and what the store lacks is in the changelog.
  kNotApplied,
  kFailed,
};

// The outcome, and in words why it is not kDone. What the brokers or a disk
// have said (kNotApplied, kFailed) passes or stays: Status::retryable.
struct [[nodiscard]] CommitResult {
  CommitResult() = default;
  CommitResult(Status failure)  // NOLINT
      : outcome(failure.ok() ? CommitOutcome::kDone : CommitOutcome::kFailed),
        status(std::move(failure)) {}
  CommitResult(CommitOutcome what, Status why)
      : outcome(what), status(std::move(why)) {}

  bool ok() const { return outcome == CommitOutcome::kDone; }

  CommitOutcome outcome = CommitOutcome::kDone;
  Status status;  // Not ok, unless it is kDone.
};

// What the committer has done. Written by its thread, read by anyone.
struct CommitMetrics {
  Counter commits;
  Counter retries;
  Counter output_records;
  Counter output_bytes;
  Counter state_changes;
  // By phase; `total` is from Begin to the last apply.
  LatencyHistogram produce;
  LatencyHistogram flush;
  LatencyHistogram offsets;
  LatencyHistogram commit;
  LatencyHistogram apply;
  LatencyHistogram total;
};

// Makes epochs durable, one at a time, in the order of pipeline/README.md:
// produce, flush, fence, then state and offsets in the order that the
// guarantee asks for. Nothing is committed past a failure.
//
// Threading: one thread, never a TBB task.
class Committer {
 public:
  // `wait(delay)` sleeps between tries and returns false to give up early:
  // kAbandoned.
  Committer(EpochWriter& writer, const Clock& clock,
            std::function<bool(Millis)> wait)
      : writer_(writer), clock_(clock), wait_(std::move(wait)) {}

  // The result is final, and epoch.stage says how far the epoch came. At least
  // once, retryable failures are tried again with backoff. Exactly once, only
  // Begin is: after it the epoch is given up, and its lanes must be opened
  // again from what Kafka has.
  CommitResult Commit(Epoch& epoch, const RetryPolicy& retry);

  // After a failure: until nothing is open at the broker. Tries again like
  // Commit. kDone, kAbandoned or kFailed.
  CommitResult Settle(const RetryPolicy& retry);

  const CommitMetrics& metrics() const { return metrics_; }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  CommitResult CommitOnce(Epoch& epoch, bool* begun);
  Status ProduceAll(Epoch& epoch, bool* begun);
  CommitResult CommitThenApply(Epoch& epoch);
  CommitResult ApplyThenCommit(Epoch& epoch);
  CommitResult ApplyState(Epoch& epoch);
  // Waits before the next try: true. There is none: false, and `failure` is
  // final.
  bool WaitForRetry(CommitResult& failure, const RetryPolicy& retry,
                    SteadyTime start, Millis& backoff);
  void Count(const Epoch& epoch, SteadyTime start);
  // Runs one phase and counts how long it took.
  template <typename Phase>
  Status Timed(const char* call, LatencyHistogram& histogram, Phase&& phase);

  EpochWriter& writer_;
  const Clock& clock_;
  std::function<bool(Millis)> wait_;
  CommitMetrics metrics_;
};

}  // namespace tacho
