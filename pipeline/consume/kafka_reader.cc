#include "pipeline/consume/kafka_reader.h"

#include <librdkafka/rdkafka.h>

#include <string>
#include <utility>

namespace tacho {
namespace {

class KafkaReader final : public PartitionReader {
 public:
  KafkaReader(rd_kafka_t* consumer, const TopicPartition& tp)
      : consumer_(consumer),
        tp_(tp),
        queue_(rd_kafka_queue_get_partition(consumer, tp.topic.c_str(),
                                            tp.partition)) {
    rd_kafka_queue_forward(queue_.get(), nullptr);
  }
  ~KafkaReader() override { DisableReadable(); }

  Drained Drain(Batch& batch, const DrainLimits& limits) override {
    drain_ = {this, &batch, &limits, {}};
    // Timeout 0 never blocks; rd_kafka_yield in the callback ends it early and
    // leaves the rest in the queue.
    rd_kafka_consume_callback_queue(queue_.get(), 0, &KafkaReader::OnMessage,
                                    &drain_);
    return std::move(drain_.result);
  }

  void EnableReadable(std::function<void()> on_readable) override {
    on_readable_ = std::move(on_readable);
    rd_kafka_queue_cb_event_enable(queue_.get(), &KafkaReader::OnReadable,
                                   this);
  }

  void DisableReadable() override {
    // librdkafka calls the callback with the queue's lock held, which this
    // call takes as well: after it no callback is running.
    rd_kafka_queue_cb_event_enable(queue_.get(), nullptr, nullptr);
  }

  Offset EndOffset() const override {
    int64_t low = 0;
    int64_t high = 0;
    if (rd_kafka_get_watermark_offsets(consumer_, tp_.topic.c_str(),
                                       tp_.partition, &low,
                                       &high) != RD_KAFKA_RESP_ERR_NO_ERROR) {
      return kNoOffset;
    }
    return high < 0 ? kNoOffset : high;
  }

 private:
  struct DrainCall {
    KafkaReader* reader = nullptr;
    Batch* batch = nullptr;
    const DrainLimits* limits = nullptr;
    Drained result;
  };

  static void OnReadable(rd_kafka_t* /*consumer*/, void* self) {
    static_cast<KafkaReader*>(self)->on_readable_();
  }

  static void OnMessage(rd_kafka_message_t* message, void* opaque) {
    auto& call = *static_cast<DrainCall*>(opaque);
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      call.reader->OnError(*message, call);
      return;
    }
    if (message->offset < call.limits->min_offset) {
      ++call.result.skipped;
      return;
    }
    rd_kafka_timestamp_type_t type;
    const int64_t timestamp = rd_kafka_message_timestamp(message, &type);
    call.batch->AddMessage(
        message->offset,
        type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? kNoLogTime
                                                 : FromEpochMillis(timestamp),
        {static_cast<const char*>(message->key), message->key_len},
        {static_cast<const char*>(message->payload), message->len});
    call.result.next_offset = message->offset + 1;
    if (call.batch->messages.size() >= call.limits->max_messages ||
        call.batch->bytes() >= call.limits->max_bytes) {
      call.result.more = true;
      rd_kafka_yield(call.reader->consumer_);
    }
  }

  void OnError(const rd_kafka_message_t& message, DrainCall& call) const {
    if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      // The end lies past control records and compacted gaps.
      if (message.offset > call.result.next_offset &&
          message.offset >= call.limits->min_offset) {
        call.result.next_offset = message.offset;
      }
      return;
    }
    // librdkafka 2.0.2 goes on after a batch that it could not read; we must
    // not. The first error stops the lane; what follows is not taken.
    if (call.result.error.ok()) call.result.error = ErrorOf(message);
    call.result.more = false;
    rd_kafka_yield(consumer_);
  }

  Status ErrorOf(const rd_kafka_message_t& message) const {
    const std::string where =
        tp_.ToString() + " offset " + std::to_string(message.offset);
    if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
      return Corruption(
          where +
          ": the broker no longer has this offset (retention has passed it, or "
          "the topic was recreated); messages may be lost. Stop the group and "
          "run: tacho offsets reset JOB.yaml --to OFFSET --state keep|wipe");
    }
    return FromKafka(message.err, where);
  }

  rd_kafka_t* const consumer_;
  const TopicPartition tp_;
  const KafkaPtr<rd_kafka_queue_t> queue_;
  std::function<void()> on_readable_;
  DrainCall drain_;
};

}  // namespace

std::unique_ptr<PartitionReader> MakeKafkaReader(rd_kafka_t* consumer,
                                                 const TopicPartition& tp) {
  return std::make_unique<KafkaReader>(consumer, tp);
}

}  // namespace tacho
