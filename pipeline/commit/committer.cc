#include "pipeline/commit/committer.h"

#include <algorithm>
#include <chrono>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

bool AllOwned(const Epoch& epoch) {
  return std::all_of(epoch.parts.begin(), epoch.parts.end(),
                     [](const Epoch::Part& p) { return p.owner->owned(); });
}

Status Lost() {
  return {StatusCode::kCancelled, "a partition of the epoch was taken away"};
}

}  // namespace

Status Committer::ApplyState(Epoch& epoch) {
  for (const Epoch::Part& part : epoch.parts) {
    RETURN_IF_ERROR(part.owner->Apply(*part.epoch)
                        .With("lane " + part.epoch->tp.ToString()));
  }
  return Status::Ok();
}

Status Committer::ProduceAll(Epoch& epoch) {
  RETURN_IF_ERROR(transaction_.Begin());
  for (const Epoch::Part& part : epoch.parts) {
    RETURN_IF_ERROR(transaction_.Produce(*part.epoch));
  }
  return transaction_.Flush();
}

Status Committer::CommitOnce(Epoch& epoch) {
  // 1. Outputs, rejects and late records reach Kafka, all acknowledged.
  if (epoch.stage < EpochStage::kProduced) {
    RETURN_IF_ERROR(ProduceAll(epoch));
    epoch.stage = EpochStage::kProduced;
  }
  // 2. The fence: what is not ours any more is not committed.
  if (!AllOwned(epoch)) return Lost();
  // 3. State and offsets. At least once: state is durable before the offsets
  // that claim it. Exactly once: the offsets' transaction is the truth, and
  // the store follows it.
  if (transaction_.state_follows_commit()) {
    RETURN_IF_ERROR(transaction_.Commit(epoch));
    epoch.stage = EpochStage::kCommitted;
    return ApplyState(epoch);
  }
  if (epoch.stage < EpochStage::kApplied) {
    RETURN_IF_ERROR(ApplyState(epoch));
    epoch.stage = EpochStage::kApplied;
  }
  RETURN_IF_ERROR(transaction_.Commit(epoch));
  epoch.stage = EpochStage::kCommitted;
  return Status::Ok();
}

Status Committer::Commit(Epoch& epoch, const RetryPolicy& retry) {
  const auto start = clock_.Steady();
  Millis backoff = retry.first_backoff;
  while (true) {
    const Status status = CommitOnce(epoch);
    if (status.ok()) break;
    transaction_.Abort();
    if (!status.retryable()) return status;
    if (!AllOwned(epoch)) return Lost();
    if (clock_.Steady() - start >= retry.give_up_after) {
      return Status(status.code(),
                    "gave up after " +
                        std::to_string(retry.give_up_after.count()) +
                        " ms of retries: " + status.message());
    }
    metrics_.retries.Add(1);
    LOG(kWarn, "commit_retry",
        {{"reason", status.message()}, {"backoff_ms", backoff.count()}});
    if (!wait_(backoff)) {
      return {StatusCode::kCancelled,
              "stopped while retrying: " + status.message()};
    }
    backoff = std::min(backoff * 2, retry.max_backoff);
  }
  metrics_.commits.Add(1);
  for (const Epoch::Part& part : epoch.parts) {
    metrics_.output_records.Add(part.epoch->outputs.records().size());
    metrics_.output_bytes.Add(part.epoch->outputs.used_bytes());
  }
  metrics_.micros.Add(static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(clock_.Steady() -
                                                            start)
          .count()));
  return Status::Ok();
}

}  // namespace tacho
