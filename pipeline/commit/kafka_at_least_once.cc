#include "pipeline/commit/kafka_at_least_once.h"

#include <utility>

#include "pipeline/commit/kafka_producer.h"

namespace tacho {
namespace {

constexpr Millis kOpenTimeout{10000};
// Beside the messages' own time-out: for the last reports to arrive.
constexpr Millis kReportGrace{5000};

class KafkaAtLeastOnce final : public EpochWriter {
 public:
  KafkaAtLeastOnce(KafkaOutputOptions options,
                   std::unique_ptr<OffsetCommitter> offsets)
      : options_(std::move(options)), offsets_(std::move(offsets)) {}

  Status Begin() override {
    RETURN_IF_ERROR(Settle());
    producer_->BeginCycle(options_.delivery_timeout);
    return Status::Ok();
  }
  Status Produce(LaneEpoch& part) override {
    const uint64_t clamped = producer_->clamped_stamps();
    const Status produced = producer_->Produce(part);
    metrics_->clamped_stamps.Add(producer_->clamped_stamps() - clamped);
    return produced;
  }
  Status Flush() override {
    return producer_->WaitDelivered(options_.delivery_timeout + kReportGrace);
  }
  Status SendOffsets(const Epoch& /*epoch*/) override { return Status::Ok(); }
  Status Commit(const Epoch& epoch) override {
    return offsets_->CommitOffsets(epoch);
  }
  // With the handle goes all that refers to the epoch.
  void Abort() override { producer_.reset(); }
  Status Settle() override {
    if (producer_ != nullptr) return Status::Ok();
    const KafkaProperties owned = {
        {"enable.idempotence", "true"},
        {"acks", "all"},
        {"message.timeout.ms",
         std::to_string(options_.delivery_timeout.count())},
    };
    ASSIGN_OR_RETURN(producer_,
                     KafkaProducer::Open(options_, owned, kOpenTimeout,
                                         /*seen=*/opened_));
    if (std::exchange(opened_, true)) metrics_->renewals.Add(1);
    return Status::Ok();
  }
  bool exactly_once() const override { return false; }

 private:
  const KafkaOutputOptions options_;
  const std::unique_ptr<OffsetCommitter> offsets_;
  std::unique_ptr<KafkaProducer> producer_;  // None: Settle makes one.
  bool opened_ = false;
};

}  // namespace

Result<std::unique_ptr<EpochWriter>> MakeKafkaAtLeastOnce(
    KafkaOutputOptions options, std::unique_ptr<OffsetCommitter> offsets) {
  auto writer = std::make_unique<KafkaAtLeastOnce>(std::move(options),
                                                   std::move(offsets));
  RETURN_IF_ERROR(writer->Settle());
  return std::unique_ptr<EpochWriter>(std::move(writer));
}

}  // namespace tacho
