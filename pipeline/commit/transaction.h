#pragma once

#include <chrono>
#include <vector>

#include "pipeline/base/status.h"
#include "pipeline/commit/epoch.h"

namespace tacho {

// How an epoch reaches Kafka. The committer is its only caller.
//
// Begin, Produce (once a part), Flush, then Commit; Abort after any failure.
// Errors: retryable ones leave nothing visible that a repeated epoch would
// not write again.
class Transaction {
 public:
  virtual ~Transaction() = default;

  virtual Status Begin() = 0;
  // Hands over the part's outputs. The part's bytes must stay alive until
  // Flush or Abort returns.
  virtual Status Produce(const LaneEpoch& part) = 0;
  // Waits until every message is acknowledged; one failure fails the epoch.
  virtual Status Flush() = 0;
  // Makes the group's offsets those of the epoch.
  virtual Status Commit(const Epoch& epoch) = 0;
  virtual void Abort() = 0;

  // True if state may be applied only after Commit (exactly once); false if
  // offsets may be committed only after state is durable (at least once).
  virtual bool state_follows_commit() const = 0;
};

}  // namespace tacho
