#pragma once

#include <cstdint>
#include <functional>
#include <utility>

#include "pipeline/base/latency.h"
#include "pipeline/base/metrics.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/commit/epoch.h"
#include "pipeline/commit/transaction.h"

namespace tacho {

// How often, how slowly and how long an epoch is tried again.
struct RetryPolicy {
  Millis first_backoff{100};
  Millis max_backoff{5000};
  Millis give_up_after{60000};
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
  // `wait(delay)` sleeps between tries and returns false to give up early.
  Committer(Transaction& transaction, const Clock& clock,
            std::function<bool(Millis)> wait)
      : transaction_(transaction), clock_(clock), wait_(std::move(wait)) {}

  // The status that is returned is final, and epoch.stage says how far the
  // epoch came. At least once, retryable failures are tried again with
  // backoff. Exactly once, only Begin is: after it the epoch is given up, and
  // its lanes must be opened again from what Kafka has.
  // kCancelled: a part's partition was lost meanwhile, or `wait` said stop.
  Status Commit(Epoch& epoch, const RetryPolicy& retry);

  // After a failure: until nothing is open at the broker. Tries again like
  // Commit.
  Status Settle(const RetryPolicy& retry);

  const CommitMetrics& metrics() const { return metrics_; }

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;

  Status CommitOnce(Epoch& epoch, bool* begun);
  Status ProduceAll(Epoch& epoch, bool* begun);
  Status CommitThenApply(Epoch& epoch);
  Status ApplyThenCommit(Epoch& epoch);
  Status ApplyState(Epoch& epoch);
  // Waits before the next try; not ok: there is none.
  Status WaitForRetry(const Status& failure, const RetryPolicy& retry,
                      SteadyTime start, Millis& backoff);
  void Count(const Epoch& epoch, SteadyTime start);
  // Runs one phase and counts how long it took.
  template <typename Phase>
  Status Timed(LatencyHistogram& histogram, Phase&& phase);

  Transaction& transaction_;
  const Clock& clock_;
  std::function<bool(Millis)> wait_;
  CommitMetrics metrics_;
};

}  // namespace tacho
