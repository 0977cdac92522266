#pragma once

#include <memory>

#include "pipeline/base/metrics.h"
#include "pipeline/base/status.h"
#include "pipeline/commit/epoch.h"

namespace tacho {

// What a writer's producer has met with. Written by the committer's thread,
// read by anyone.
struct EpochWriterMetrics {
  // Producers that were made after the first one.
  Counter renewals;
  // Of them, those after a commit or abort that was right, but during which
  // `closed_connections` were closed or which was slow.
  Counter precautions;
  // While a transaction was open, so that something may have been sent twice.
  Counter closed_connections;
  // Messages stamped as near to their log time as their topic allows.
  Counter clamped_stamps;
};

// How an epoch reaches Kafka: exactly once in a transaction, at least once
// without one. The committer is its only caller.
//
// Begin, Produce (once a part), Flush, SendOffsets, Commit; Abort after any
// failure from Begin on, then Settle before the next Begin.
// Errors: a retryable status of Begin has left nothing behind. What a failure
// after that means is said by `exactly_once`.
class EpochWriter {
 public:
  virtual ~EpochWriter() = default;

  virtual Status Begin() = 0;
  // Hands over all that the part writes. Its bytes must stay alive until
  // Flush or Abort returns. May complete the part's marker.
  virtual Status Produce(LaneEpoch& part) = 0;
  // Waits until every message is acknowledged; one failure fails the epoch.
  virtual Status Flush() = 0;
  // Exactly once, the group's offsets of every part become part of the
  // transaction; at least once, nothing.
  virtual Status SendOffsets(const Epoch& epoch) = 0;
  // Makes all of it visible at once; at least once, commits the offsets.
  virtual Status Commit(const Epoch& epoch) = 0;
  // Gives up; nothing of the epoch's memory is used after it returns.
  virtual void Abort() = 0;
  // Makes sure that nothing which this worker began is still open at the
  // broker: what was committed is, and the rest is aborted. Waits.
  virtual Status Settle() = 0;

  // True: all or nothing becomes visible, so state is applied after Commit,
  // and an epoch that failed may have been committed all the same: only Kafka
  // knows. False (at least once): outputs are visible once flushed, and
  // offsets may be committed only after state is durable.
  virtual bool exactly_once() const = 0;

  // They outlive it.
  std::shared_ptr<const EpochWriterMetrics> metrics() const { return metrics_; }

 protected:
  const std::shared_ptr<EpochWriterMetrics> metrics_ =
      std::make_shared<EpochWriterMetrics>();
};

}  // namespace tacho
