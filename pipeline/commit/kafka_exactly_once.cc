#include "pipeline/commit/kafka_exactly_once.h"

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <cstring>
#include <deque>
#include <random>
#include <utility>

#include "pipeline/base/check.h"
#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"
#include "pipeline/commit/changelog.h"
#include "pipeline/commit/kafka_producer.h"
#include "pipeline/commit/offset_metadata.h"
#include "pipeline/kafka/group_metadata.h"

namespace tacho {
namespace {

constexpr Millis kOpenTimeout{10000};
constexpr size_t kFencesBeforeNewId = 3;
constexpr std::chrono::minutes kFenceWindow{5};

using Error = KafkaPtr<rd_kafka_error_t>;

class KafkaExactlyOnce final : public Transaction {
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
  // Retryable, unless no later try can repair it.
  static Status Again(const Status& status);
  void CountFence();
  void Drop();

  const KafkaExactlyOnceOptions options_;
  const Clock& clock_;
  std::string id_;
  std::unique_ptr<KafkaProducer> producer_;  // None: Settle makes one.
  bool open_ = false;                        // A transaction has begun.
  bool in_doubt_ = false;  // Its outcome, or the handle's state, is.
  bool renew_ = false;     // Committed, but too slowly.
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
                   KafkaProducer::Open(options_.output, owned, kOpenTimeout));
  open_ = in_doubt_ = renew_ = false;
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
  (void)producer_->TakeDisturbance();
  open_ = true;
  return Status::Ok();
}

Status KafkaExactlyOnce::Produce(LaneEpoch& part) {
  RETURN_IF_ERROR(Undelivered(producer_->Produce(part)));
  if (SABOTAGED("skip_changelog")) return Status::Ok();
  return Undelivered(producer_->ProduceChangelog(
      part, ChangelogTopic(options_.group, part.tp.topic,
                           part.marker.reset_generation)));
}

Status KafkaExactlyOnce::Flush() {
  return Undelivered(
      producer_->WaitDelivered(options_.transaction_timeout + Millis(1000)));
}

Status KafkaExactlyOnce::SendOffsets(const Epoch& epoch) {
  if (SABOTAGED("skip_offsets")) return Status::Ok();
  GroupMembership member = epoch.membership;
  if (SABOTAGED("ignore_fence")) member.generation = -1, member.member_id = "";
  if (!member.valid() && !SABOTAGED("ignore_fence")) {
    // A broker would take it without any check.
    return {StatusCode::kCancelled,
            "the group membership of the epoch has no generation or member id"};
  }
  KafkaPtr<rd_kafka_topic_partition_list_t> offsets(
      rd_kafka_topic_partition_list_new(static_cast<int>(epoch.parts.size())));
  for (const Epoch::Part& part : epoch.parts) {
    const Marker& marker = part.epoch->marker;
    const std::string metadata = FormatOffsetMetadata(
        {OffsetMetadata::Origin::kEpoch, marker.reset_generation, marker.epoch,
         marker.writer_id});
    rd_kafka_topic_partition_t* const entry = rd_kafka_topic_partition_list_add(
        offsets.get(), part.epoch->tp.topic.c_str(), part.epoch->tp.partition);
    entry->offset = marker.next_offset;
    entry->metadata = strdup(metadata.c_str());  // Freed with the list.
    entry->metadata_size = metadata.size();
  }
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
  const bool disturbed = producer_->TakeDisturbance();
  renew_ = disturbed || millis > options_.slow_commit;
  if (renew_) {
    LOG(kWarn, "producer_renewed",
        {{"commit_millis", millis.count()}, {"disconnected", disturbed}});
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
      renew_ = producer_->TakeDisturbance();
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
  if (code == RD_KAFKA_RESP_ERR__FENCED ||
      code == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
      code == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH) {
    in_doubt_ = true;
    CountFence();
  }
  return Again(FromKafka(code, what + ": " + text));
}

// Rights, arguments and topics that are gone stay so. Everything else, fatal
// for this handle or not, a new one may get through.
Status KafkaExactlyOnce::Again(const Status& status) {
  if (status.code() == StatusCode::kPermission ||
      status.code() == StatusCode::kInvalidArgument ||
      status.code() == StatusCode::kNotFound) {
    return status;
  }
  return {StatusCode::kUnavailable, status.message(), /*retryable=*/true};
}

Status KafkaExactlyOnce::Undelivered(const Status& status) {
  if (status.ok()) return status;
  // A message that may or may not be there is for init_transactions to settle.
  in_doubt_ = true;
  char reason[512] = "";
  const rd_kafka_resp_err_t fatal =
      rd_kafka_fatal_error(handle(), reason, sizeof reason);
  if (fatal == RD_KAFKA_RESP_ERR_NO_ERROR) return Again(status);
  if (fatal == RD_KAFKA_RESP_ERR__FENCED ||
      fatal == RD_KAFKA_RESP_ERR_PRODUCER_FENCED ||
      fatal == RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH) {
    CountFence();
  }
  return Again(FromKafka(fatal, status.message() + ": " + reason));
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

Result<std::unique_ptr<Transaction>> MakeKafkaExactlyOnce(
    KafkaExactlyOnceOptions options, const Clock& clock) {
  auto transaction =
      std::make_unique<KafkaExactlyOnce>(std::move(options), clock);
  RETURN_IF_ERROR(transaction->Settle());
  return std::unique_ptr<Transaction>(std::move(transaction));
}

}  // namespace tacho
