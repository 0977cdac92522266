#include "pipeline/commit/committer.h"

#include <algorithm>
#include <chrono>

#include "pipeline/base/exit_watchdog.h"
#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"

namespace tacho {
namespace {

bool AllOwned(const Epoch& epoch) {
  if (SABOTAGED("ignore_fence")) return true;
  return std::all_of(epoch.parts.begin(), epoch.parts.end(),
                     [](const Epoch::Part& p) { return p.owner->owned(); });
}

CommitResult Lost() {
  return {CommitOutcome::kLost,
          {StatusCode::kCancelled, "a partition of the epoch was taken away"}};
}

uint64_t MicrosBetween(std::chrono::steady_clock::time_point from,
                       std::chrono::steady_clock::time_point to) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(to - from).count());
}

}  // namespace

// Named for the watchdog: who waits for the commit thread waits for this.
template <typename Phase>
Status Committer::Timed(const char* call, LatencyHistogram& histogram,
                        Phase&& phase) {
  const ExitStep step(call);
  const SteadyTime start = clock_.Steady();
  Status status = phase();
  histogram.Add(MicrosBetween(start, clock_.Steady()));
  return status;
}

Status Committer::ProduceAll(Epoch& epoch, bool* begun) {
  FAIL_POINT("commit.before_begin");
  {
    const ExitStep step("begin a transaction");
    RETURN_IF_ERROR(writer_.Begin());
  }
  *begun = true;
  FAIL_POINT("commit.after_begin");
  const Status produced = Timed("produce", metrics_.produce, [&] {
    for (const Epoch::Part& part : epoch.parts) {
      RETURN_IF_ERROR(writer_.Produce(*part.epoch));
    }
    return Status::Ok();
  });
  RETURN_IF_ERROR(produced);
  FAIL_POINT("commit.after_produce");
  RETURN_IF_ERROR(
      Timed("flush", metrics_.flush, [&] { return writer_.Flush(); }));
  FAIL_POINT("commit.after_flush");
  return Status::Ok();
}

CommitResult Committer::ApplyState(Epoch& epoch) {
  Status applied = Timed("apply state", metrics_.apply, [&] {
    bool first = true;
    for (const Epoch::Part& part : epoch.parts) {
      if (!first) FAIL_POINT("commit.between_applies");
      first = false;
      RETURN_IF_ERROR(part.owner->Apply(*part.epoch)
                          .With("lane " + part.epoch->tp.ToString()));
    }
    return Status::Ok();
  });
  if (applied.ok()) return {};
  return {CommitOutcome::kNotApplied, std::move(applied)};
}

// The offsets' transaction is the truth, and the stores follow it.
CommitResult Committer::CommitThenApply(Epoch& epoch) {
  FAIL_POINT("commit.before_offsets");
  RETURN_IF_ERROR(Timed("send offsets", metrics_.offsets,
                        [&] { return writer_.SendOffsets(epoch); }));
  FAIL_POINT("commit.after_offsets");
  // Once more: from here on the outcome is Kafka's to tell.
  if (!AllOwned(epoch)) return Lost();
  FAIL_POINT("commit.before_commit");
  RETURN_IF_ERROR(
      Timed("commit", metrics_.commit, [&] { return writer_.Commit(epoch); }));
  epoch.stage = EpochStage::kCommitted;
  FAIL_POINT("commit.after_commit");
  CommitResult applied = ApplyState(epoch);
  if (applied.ok()) FAIL_POINT("commit.after_apply");
  return applied;
}

// State is durable before the offsets that claim it.
CommitResult Committer::ApplyThenCommit(Epoch& epoch) {
  if (epoch.stage < EpochStage::kApplied) {
    if (CommitResult applied = ApplyState(epoch); !applied.ok()) return applied;
    epoch.stage = EpochStage::kApplied;
  }
  // A lane that was taken away meanwhile has not applied its part.
  if (!AllOwned(epoch)) return Lost();
  RETURN_IF_ERROR(
      Timed("commit", metrics_.commit, [&] { return writer_.Commit(epoch); }));
  epoch.stage = EpochStage::kCommitted;
  return {};
}

CommitResult Committer::CommitOnce(Epoch& epoch, bool* begun) {
  if (SABOTAGED("early_offsets") && writer_.exactly_once()) {
    RETURN_IF_ERROR(writer_.Begin());
    RETURN_IF_ERROR(writer_.SendOffsets(epoch));
    RETURN_IF_ERROR(writer_.Commit(epoch));
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
  return writer_.exactly_once() ? CommitThenApply(epoch)
                                : ApplyThenCommit(epoch);
}

bool Committer::WaitForRetry(CommitResult& failure, const RetryPolicy& retry,
                             SteadyTime start, Millis& backoff) {
  const Status& status = failure.status;
  if (!status.retryable()) return false;
  if (clock_.Steady() - start >= retry.give_up_after) {
    failure.status =
        Status(status.code(),
               "gave up after " + std::to_string(retry.give_up_after.count()) +
                   " ms of retries: " + status.message(),
               /*retryable=*/true);
    return false;
  }
  metrics_.retries.Add(1);
  LOG(kWarn, "commit_retry",
      {{"reason", status.message()}, {"backoff_ms", backoff.count()}});
  if (!wait_(backoff)) {
    failure = {CommitOutcome::kAbandoned,
               {StatusCode::kCancelled,
                "stopped while retrying: " + status.message()}};
    return false;
  }
  backoff = std::min(backoff * 2, retry.max_backoff);
  return true;
}

CommitResult Committer::Commit(Epoch& epoch, const RetryPolicy& retry) {
  const SteadyTime start = clock_.Steady();
  Millis backoff = retry.first_backoff;
  while (true) {
    bool begun = false;
    CommitResult result = CommitOnce(epoch, &begun);
    if (result.ok()) break;
    {
      const ExitStep step("abort the transaction");
      writer_.Abort();
    }
    if (begun && writer_.exactly_once()) return result;
    if (!AllOwned(epoch)) return Lost();
    if (!WaitForRetry(result, retry, start, backoff)) return result;
  }
  Count(epoch, start);
  return {};
}

CommitResult Committer::Settle(const RetryPolicy& retry) {
  const SteadyTime start = clock_.Steady();
  Millis backoff = retry.first_backoff;
  while (true) {
    CommitResult result;
    {
      const ExitStep step("settle what a failed epoch left");
      result = writer_.Settle();
    }
    if (result.ok()) return result;
    if (!WaitForRetry(result, retry, start, backoff)) return result;
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
