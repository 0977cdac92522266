#include "pipeline/commit/committer.h"

#include <algorithm>
#include <chrono>

#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"

namespace tacho {
namespace {

bool AllOwned(const Epoch& epoch) {
  if (SABOTAGED("ignore_fence")) return true;
  return std::all_of(epoch.parts.begin(), epoch.parts.end(),
                     [](const Epoch::Part& p) { return p.owner->owned(); });
}

Status Lost() {
  return {StatusCode::kCancelled, "a partition of the epoch was taken away"};
}

uint64_t MicrosBetween(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

}  // namespace

template <typename Phase>
Status Committer::Timed(LatencyHistogram& histogram, Phase&& phase) {
  const SteadyTime start = clock_.Steady();
  Status status = phase();
  histogram.Add(MicrosBetween(start, clock_.Steady()));
  return status;
}

Status Committer::ProduceAll(Epoch& epoch, bool* begun) {
  FAIL_POINT("commit.before_begin");
  RETURN_IF_ERROR(transaction_.Begin());
  *begun = true;
  FAIL_POINT("commit.after_begin");
  const Status produced = Timed(metrics_.produce, [&] {
    for (const Epoch::Part& part : epoch.parts) {
      RETURN_IF_ERROR(transaction_.Produce(*part.epoch));
    }
    return Status::Ok();
  });
  RETURN_IF_ERROR(produced);
  FAIL_POINT("commit.after_produce");
  RETURN_IF_ERROR(Timed(metrics_.flush, [&] { return transaction_.Flush(); }));
  FAIL_POINT("commit.after_flush");
  return Status::Ok();
}

Status Committer::ApplyState(Epoch& epoch) {
  return Timed(metrics_.apply, [&] {
    bool first = true;
    for (const Epoch::Part& part : epoch.parts) {
      if (!first) FAIL_POINT("commit.between_applies");
      first = false;
      RETURN_IF_ERROR(part.owner->Apply(*part.epoch)
                          .With("lane " + part.epoch->tp.ToString()));
    }
    return Status::Ok();
  });
}

// The offsets' transaction is the truth, and the stores follow it.
Status Committer::CommitThenApply(Epoch& epoch) {
  FAIL_POINT("commit.before_offsets");
  RETURN_IF_ERROR(
      Timed(metrics_.offsets, [&] { return transaction_.SendOffsets(epoch); }));
  FAIL_POINT("commit.after_offsets");
  // Once more: from here on the outcome is Kafka's to tell.
  if (!AllOwned(epoch)) return Lost();
  FAIL_POINT("commit.before_commit");
  RETURN_IF_ERROR(
      Timed(metrics_.commit, [&] { return transaction_.Commit(epoch); }));
  epoch.stage = EpochStage::kCommitted;
  FAIL_POINT("commit.after_commit");
  RETURN_IF_ERROR(ApplyState(epoch));
  FAIL_POINT("commit.after_apply");
  return Status::Ok();
}

// State is durable before the offsets that claim it.
Status Committer::ApplyThenCommit(Epoch& epoch) {
  if (epoch.stage < EpochStage::kApplied) {
    RETURN_IF_ERROR(ApplyState(epoch));
    epoch.stage = EpochStage::kApplied;
  }
  // A lane that was taken away meanwhile has not applied its part.
  if (!AllOwned(epoch)) return Lost();
  RETURN_IF_ERROR(
      Timed(metrics_.commit, [&] { return transaction_.Commit(epoch); }));
  epoch.stage = EpochStage::kCommitted;
  return Status::Ok();
}

Status Committer::CommitOnce(Epoch& epoch, bool* begun) {
  if (SABOTAGED("early_offsets") && transaction_.exactly_once()) {
    RETURN_IF_ERROR(transaction_.Begin());
    RETURN_IF_ERROR(transaction_.SendOffsets(epoch));
    RETURN_IF_ERROR(transaction_.Commit(epoch));
  }
  // 1. All that the epoch writes reaches Kafka, everything acknowledged.
  if (epoch.stage < EpochStage::kProduced) {
    RETURN_IF_ERROR(ProduceAll(epoch, begun));
    epoch.stage = EpochStage::kProduced;
  }
  // 2. The fence: what is not ours any more is not committed, and nothing of
  // the others either, because it is one transaction.
  if (!AllOwned(epoch)) return Lost();
  // 3. Offsets and state, in the order that the guarantee asks for.
  return transaction_.exactly_once() ? CommitThenApply(epoch)
                                     : ApplyThenCommit(epoch);
}

Status Committer::WaitForRetry(const Status& failure, const RetryPolicy& retry,
                               SteadyTime start, Millis& backoff) {
  if (!failure.retryable()) return failure;
  if (clock_.Steady() - start >= retry.give_up_after) {
    return Status(failure.code(),
                  "gave up after " +
                      std::to_string(retry.give_up_after.count()) +
                      " ms of retries: " + failure.message(),
                  /*retryable=*/true);
  }
  metrics_.retries.Add(1);
  LOG(kWarn, "commit_retry",
      {{"reason", failure.message()}, {"backoff_ms", backoff.count()}});
  if (!wait_(backoff)) {
    return {StatusCode::kCancelled,
            "stopped while retrying: " + failure.message()};
  }
  backoff = std::min(backoff * 2, retry.max_backoff);
  return Status::Ok();
}

Status Committer::Commit(Epoch& epoch, const RetryPolicy& retry) {
  const SteadyTime start = clock_.Steady();
  Millis backoff = retry.first_backoff;
  while (true) {
    bool begun = false;
    const Status status = CommitOnce(epoch, &begun);
    if (status.ok()) break;
    transaction_.Abort();
    if (begun && transaction_.exactly_once()) return status;
    if (!AllOwned(epoch)) return Lost();
    RETURN_IF_ERROR(WaitForRetry(status, retry, start, backoff));
  }
  Count(epoch, start);
  return Status::Ok();
}

Status Committer::Settle(const RetryPolicy& retry) {
  const SteadyTime start = clock_.Steady();
  Millis backoff = retry.first_backoff;
  while (true) {
    const Status status = transaction_.Settle();
    if (status.ok()) return status;
    RETURN_IF_ERROR(WaitForRetry(status, retry, start, backoff));
  }
}

void Committer::Count(const Epoch& epoch, SteadyTime start) {
  metrics_.total.Add(MicrosBetween(start, clock_.Steady()));
  metrics_.commits.Add(1);
  for (const Epoch::Part& part : epoch.parts) {
    metrics_.output_records.Add(part.epoch->outputs.records().size());
    metrics_.output_bytes.Add(part.epoch->outputs.used_bytes());
    metrics_.state_changes.Add(part.epoch->changes.changes().size());
  }
}

}  // namespace tacho
