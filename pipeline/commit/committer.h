#pragma once

#include <cstdint>
#include <functional>
#include <utility>

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
  Counter micros;  // Time spent in commits.
};

// Makes epochs durable, one at a time, in the order of pipeline/README.md:
// produce, flush, fence, then state and offsets in the order the guarantee
// asks for. Nothing is committed past a failure.
//
// Threading: one thread, never a TBB task.
class Committer {
 public:
  // `wait(delay)` sleeps between tries and returns false to give up early.
  Committer(Transaction& transaction, const Clock& clock,
            std::function<bool(Millis)> wait)
      : transaction_(transaction), clock_(clock), wait_(std::move(wait)) {}

  // Retryable failures are tried again with backoff; the status that is
  // returned is final, and epoch.stage says how far the epoch came. kCancelled:
  // a part's partition was lost meanwhile, or `wait` said stop; no offset of
  // the epoch was committed.
  Status Commit(Epoch& epoch, const RetryPolicy& retry);

  const CommitMetrics& metrics() const { return metrics_; }

 private:
  Status ProduceAll(Epoch& epoch);
  Status CommitOnce(Epoch& epoch);
  Status ApplyState(Epoch& epoch);

  Transaction& transaction_;
  const Clock& clock_;
  std::function<bool(Millis)> wait_;
  CommitMetrics metrics_;
};

}  // namespace tacho
