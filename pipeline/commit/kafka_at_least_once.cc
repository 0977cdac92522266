#include "pipeline/commit/kafka_at_least_once.h"

#include <utility>

#include "pipeline/commit/kafka_producer.h"

namespace tacho {
namespace {

class KafkaAtLeastOnce final : public Transaction {
 public:
  KafkaAtLeastOnce(std::unique_ptr<KafkaProducer> producer,
                   CommitOffsetsFn commit_offsets, Millis delivery_timeout)
      : producer_(std::move(producer)),
        commit_offsets_(std::move(commit_offsets)),
        delivery_timeout_(delivery_timeout) {}

  Status Begin() override { return Status::Ok(); }
  Status Produce(LaneEpoch& part) override { return producer_->Produce(part); }
  Status Flush() override {
    return producer_->WaitDelivered(delivery_timeout_);
  }
  Status SendOffsets(const Epoch& /*epoch*/) override { return Status::Ok(); }
  Status Commit(const Epoch& epoch) override { return commit_offsets_(epoch); }
  void Abort() override { producer_->Purge(); }
  Status Settle() override { return Status::Ok(); }
  bool exactly_once() const override { return false; }

 private:
  std::unique_ptr<KafkaProducer> producer_;
  CommitOffsetsFn commit_offsets_;
  Millis delivery_timeout_;
};

}  // namespace

Result<std::unique_ptr<Transaction>> MakeKafkaAtLeastOnce(
    KafkaOutputOptions options, CommitOffsetsFn commit_offsets) {
  const KafkaProperties owned = {
      {"enable.idempotence", "true"},
      {"acks", "all"},
      {"message.timeout.ms", std::to_string(options.delivery_timeout.count())},
  };
  ASSIGN_OR_RETURN(std::unique_ptr<KafkaProducer> producer,
                   KafkaProducer::Open(options, owned, Millis(10000)));
  return std::unique_ptr<Transaction>(std::make_unique<KafkaAtLeastOnce>(
      std::move(producer), std::move(commit_offsets),
      options.delivery_timeout + Millis(5000)));
}

}  // namespace tacho
