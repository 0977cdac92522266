#include "pipeline/commit/kafka_exactly_once.h"

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <deque>
#include <random>
#include <utility>

#include "pipeline/base/check.h"
#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"
#include "pipeline/commit/kafka_producer.h"
#include "pipeline/commit/offset_metadata.h"
#include "pipeline/kafka/group_metadata.h"
#include "pipeline/kafka/topic_list.h"
#include "state/changelog_name.h"

namespace tacho {
namespace {

constexpr Millis kOpenTimeout{10000};
constexpr size_t kFencesBeforeNewId = 3;
constexpr std::chrono::minutes kFenceWindow{5};

using Error = KafkaPtr<rd_kafka_error_t>;

class KafkaExactlyOnce final : public EpochWriter {
 public:
  KafkaExactlyOnce(KafkaExactlyOnceOptions options, const Clock& clock)
      : options_(std::move(options)),
        clock_(clock),
        id_(options_.transactional_id) {}

  Status Begin() override;
  Status Produce(LaneEpoch& part) override;
  Status Flush() override;
  Status SendOffsets(const Epoch& epoch) override;
  Status Commit(const Epoch& epoch) override;
  void Abort() override;
  Status Settle() override;
  bool exactly_once() const override { return true; }

 private:
  Status CheckChangelogs(const Epoch& epoch) const;
  int TimeoutMs() const {
    return static_cast<int>(options_.transaction_timeout.count());
  }
  rd_kafka_t* handle() const { return producer_->handle(); }
  Status Open();
  // What an error of a transactional call means to us; a handle that it leaves
  // in doubt is not used again.
  Status Explain(const Error& error, const std::string& what);
  // The same of a message that was not taken or not delivered.
  Status Undelivered(const Status& status);
  void CountFence();
  void Drop();
  // Connections closed since Begin, each told once.
  uint64_t TakeClosedConnections();

  const KafkaExactlyOnceOptions options_;
  const Clock& clock_;
  std::string id_;
  std::unique_ptr<KafkaProducer> producer_;  // None: Settle makes one.
  bool open_ = false;                        // A transaction has begun.
  bool in_doubt_ = false;  // Its outcome, or the handle's state, is.
  bool renew_ = false;     // Right, but something may have been sent twice.
  uint64_t closed_before_ = 0;
  bool opened_ = false;  // Once, whatever became of it.
  std::deque<std::chrono::steady_clock::time_point> fences_;
};

Status KafkaExactlyOnce::Open() {
  const KafkaProperties owned = {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"transactional.id", id_},
      {"transaction.timeout.ms", std::to_string(TimeoutMs())},
      {"message.timeout.ms", std::to_string(TimeoutMs())},
  };
  FAIL_POINT("producer.before_init");
  ASSIGN_OR_RETURN(producer_,
                   KafkaProducer::Open(options_.output, owned, kOpenTimeout,
                                       /*seen=*/opened_));
  open_ = in_doubt_ = renew_ = false;
  if (std::exchange(opened_, true)) metrics_->renewals.Add(1);
  const Error error(rd_kafka_init_transactions(handle(), TimeoutMs()));
  FAIL_POINT("producer.after_init");
  return Explain(error, "init_transactions, id " + id_);
}

Status KafkaExactlyOnce::Settle() {
  if (producer_ != nullptr && !open_ && !in_doubt_ && !renew_) {
    return Status::Ok();
  }
  Drop();
  const Status status = Open();
  if (!status.ok()) Drop();
  return status;
}

void KafkaExactlyOnce::Drop() {
  open_ = in_doubt_ = renew_ = false;
  producer_.reset();
}

Status KafkaExactlyOnce::Begin() {
  RETURN_IF_ERROR(Settle());
  const Error error(rd_kafka_begin_transaction(handle()));
  RETURN_IF_ERROR(Explain(error, "begin_transaction"));
  closed_before_ = producer_->closed_connections();
  producer_->BeginCycle(options_.transaction_timeout);
  open_ = true;
  return Status::Ok();
}

uint64_t KafkaExactlyOnce::TakeClosedConnections() {
  const uint64_t closed = producer_->closed_connections();
  const uint64_t count = closed - std::exchange(closed_before_, closed);
  metrics_->closed_connections.Add(count);
  return count;
}

Status KafkaExactlyOnce::Produce(LaneEpoch& part) {
  const uint64_t clamped = producer_->clamped_stamps();
  const Status produced = producer_->Produce(part);
  metrics_->clamped_stamps.Add(producer_->clamped_stamps() - clamped);
  RETURN_IF_ERROR(Undelivered(produced));
  if (SABOTAGED("skip_changelog")) return Status::Ok();
  return Undelivered(producer_->ProduceChangelog(
      part, ChangelogTopic(options_.group, part.tp.topic,
                           part.marker.lane.reset_generation)));
}

Status KafkaExactlyOnce::Flush() {
  return Undelivered(
      producer_->WaitDelivered(options_.transaction_timeout + Millis(1000)));
}

// A log only grows. If an epoch lies before what was there already, the topic
// was deleted and made anew, or has lost its end, under the running lane; what
// follows would be state without its beginning, and look whole.
Status KafkaExactlyOnce::CheckChangelogs(const Epoch& epoch) const {
  for (const Epoch::Part& part : epoch.parts) {
    const LaneEpoch& lane = *part.epoch;
    const Offset first = lane.changelog_first != kNoOffset
                             ? lane.changelog_first
                             : lane.marker.changelog_next;
    if (first == kNoOffset || lane.changelog_floor == kNoOffset ||
        first > lane.changelog_floor) {
      continue;
    }
    return Corruption(
        "the changelog of " + lane.tp.ToString() + " went back from offset " +
        std::to_string(lane.changelog_floor) + " to " +
        std::to_string(first - 1) +
        ": it was deleted and created again, or its end was cut off. The state "
        "on this host is whole: stop the group and write the changelog anew "
        "from it: tacho offsets rebuild-changelog JOB.yaml");
  }
  return Status::Ok();
}

Status KafkaExactlyOnce::SendOffsets(const Epoch& epoch) {
  RETURN_IF_ERROR(CheckChangelogs(epoch));
  if (SABOTAGED("skip_offsets")) return Status::Ok();
  GroupMembership member = epoch.membership;
  if (SABOTAGED("ignore_fence")) member.generation = -1, member.member_id = "";
  if (options_.outside_group) member.generation = -1, member.member_id = "";
  if (!member.valid() && !options_.outside_group &&
      !SABOTAGED("ignore_fence")) {
    // A broker would take it without any check. Ours is out of the group, as
    // one with an older generation is.
    return {StatusCode::kUnavailable,
            "the group membership of the epoch has no generation or member id",
            /*retryable=*/true};
  }
  std::vector<PartitionOffset> positions;
  for (const Epoch::Part& part : epoch.parts) {
    const Marker& marker = part.epoch->marker;
    positions.push_back({part.epoch->tp, marker.next_offset,
                         FormatOffsetMetadata(MetadataOf(marker))});
  }
  const auto offsets = MakeOffsetList(positions);
  const auto metadata = MakeGroupMetadata(member);
  const Error error(rd_kafka_send_offsets_to_transaction(
      handle(), offsets.get(), metadata.get(), TimeoutMs()));
  return Explain(error, "send_offsets_to_transaction");
}

Status KafkaExactlyOnce::Commit(const Epoch& /*epoch*/) {
  const auto start = clock_.Steady();
  in_doubt_ = true;  // Until it has said yes.
  // With a time limit, though librdkafka asks for none: without one it waits
  // for ever, also for a broker that is gone. What it warns of is the further
  // use of the handle, and after a time-out there is none.
  const Error error(rd_kafka_commit_transaction(handle(), TimeoutMs()));
  RETURN_IF_ERROR(Explain(error, "commit_transaction"));
  open_ = in_doubt_ = false;
  const auto millis =
      std::chrono::duration_cast<Millis>(clock_.Steady() - start);
  const uint64_t closed = TakeClosedConnections();
  renew_ = closed > 0 || millis > options_.slow_commit;
  if (renew_) {
    metrics_->precautions.Add(1);
    LOG(kWarn, "producer_renewed",
        {{"commit_millis", millis.count()},
         {"closed_connections", closed},
         {"renewals", metrics_->precautions.value()}});
  }
  return Status::Ok();
}

void KafkaExactlyOnce::Abort() {
  if (producer_ == nullptr || !open_) return;
  // It forgets what is queued and waits for what is in flight: to purge that
  // as well would leave gaps in the sequence of an idempotent producer.
  if (!in_doubt_) {
    const Error error(rd_kafka_abort_transaction(handle(), TimeoutMs()));
    if (Explain(error, "abort_transaction").ok()) {
      open_ = false;
      renew_ = TakeClosedConnections() > 0;
      if (renew_) metrics_->precautions.Add(1);
      return;
    }
  }
  Drop();  // And with the handle all that refers to the epoch.
}

Status KafkaExactlyOnce::Explain(const Error& error, const std::string& what) {
  if (error == nullptr) return Status::Ok();
  int code = rd_kafka_error_code(error.get());
  std::string text = rd_kafka_error_string(error.get());
  // Only an error that asks for an abort, and no more, leaves a good handle.
  const bool abortable = rd_kafka_error_txn_requires_abort(error.get()) != 0;
  if (!abortable) in_doubt_ = true;
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    char reason[512] = "";
    code = rd_kafka_fatal_error(handle(), reason, sizeof reason);
    text = reason;
  }
  if (IsProducerFence(code)) {
    in_doubt_ = true;
    CountFence();
  }
  return FromKafkaText(code, text.c_str(), what, KafkaTask::kWrite);
}

Status KafkaExactlyOnce::Undelivered(const Status& status) {
  if (status.ok()) return status;
  // A message that may or may not be there is for init_transactions to settle.
  in_doubt_ = true;
  // What the broker refused may have been the transaction, and the message was
  // only purged with it. A transaction that cannot begin says what ails it;
  // one that is well says just that it is open.
  const Error cause(rd_kafka_begin_transaction(handle()));
  if (cause == nullptr ||
      rd_kafka_error_code(cause.get()) == RD_KAFKA_RESP_ERR__STATE) {
    return status;
  }
  return Explain(cause, status.message());
}

// Somebody else with our id, or the broker timed a transaction out; librdkafka
// cannot tell the two apart (KIP-588). If it goes on, a new id ends the fight.
void KafkaExactlyOnce::CountFence() {
  const auto now = clock_.Steady();
  fences_.push_back(now);
  while (now - fences_.front() > kFenceWindow) fences_.pop_front();
  if (fences_.size() < kFencesBeforeNewId) return;
  fences_.clear();
  id_ =
      options_.transactional_id + "-" + std::to_string(std::random_device{}());
  LOG(kWarn, "fenced_again_and_again",
      {{"transactional_id", options_.transactional_id}, {"new_id", id_}});
}

}  // namespace

Result<std::unique_ptr<EpochWriter>> MakeKafkaExactlyOnce(
    KafkaExactlyOnceOptions options, const Clock& clock) {
  auto writer = std::make_unique<KafkaExactlyOnce>(std::move(options), clock);
  RETURN_IF_ERROR(writer->Settle());
  return std::unique_ptr<EpochWriter>(std::move(writer));
}

}  // namespace tacho
