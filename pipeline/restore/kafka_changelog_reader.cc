#include "pipeline/restore/kafka_changelog_reader.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <string_view>
#include <utility>

namespace tacho {
namespace {

constexpr Millis kLeastPatience{4};
constexpr Millis kMostPatience{1000};
const bool kFetchesAgainSoon = KafkaClientVersionNumber() >= 0x020200ff;

class KafkaChangelogReader final : public ChangelogReader {
 public:
  KafkaChangelogReader(rd_kafka_t* consumer, KafkaPtr<rd_kafka_topic_t> topic,
                       int32_t partition, Offset from)
      : consumer_(consumer),
        topic_(std::move(topic)),
        partition_(partition),
        position_(from) {}

  ~KafkaChangelogReader() override {
    if (queue_ != nullptr) rd_kafka_consume_stop(topic_.get(), partition_);
  }

  Status Start() {
    KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(consumer_));
    if (rd_kafka_consume_start_queue(topic_.get(), partition_, position_,
                                     queue.get()) != 0) {
      return FromKafka(rd_kafka_last_error(), Where());
    }
    queue_ = std::move(queue);
    return Status::Ok();
  }

  Status Read(ChangelogChunk& chunk, size_t max_bytes) override {
    call_ = {this, &chunk, max_bytes, {}};
    rd_kafka_consume_callback_queue(queue_.get(), 0,
                                    &KafkaChangelogReader::OnMessage, &call_);
    if (!kFetchesAgainSoon) WakeIfStarved(!chunk.empty());
    return std::move(call_.error);
  }

  Offset position() const override { return position_; }

 private:
  struct ReadCall {
    KafkaChangelogReader* reader = nullptr;
    ChangelogChunk* chunk = nullptr;
    size_t max_bytes = 0;
    Status error;
  };

  static void OnMessage(rd_kafka_message_t* message, void* opaque) {
    auto& call = *static_cast<ReadCall*>(opaque);
    KafkaChangelogReader& reader = *call.reader;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      reader.OnError(*message, call);
      return;
    }
    if (message->offset < reader.position_) return;
    call.chunk->Add(message->offset, View(message->key, message->key_len),
                    View(message->payload, message->len));
    reader.position_ = message->offset + 1;
    if (call.chunk->used_bytes() >= call.max_bytes) {
      rd_kafka_yield(reader.consumer_);
    }
  }

  static std::string_view View(const void* bytes, size_t size) {
    return bytes == nullptr
               ? std::string_view()
               : std::string_view(static_cast<const char*>(bytes), size);
  }

  void OnError(const rd_kafka_message_t& message, ReadCall& call) {
    if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      // The end lies past control records and aborted transactions.
      position_ = std::max<Offset>(position_, message.offset);
      return;
    }
    // librdkafka 2.0.2 goes on after a batch that it could not read; what
    // follows must not be taken.
    if (call.error.ok()) call.error = ErrorOf(message);
    rd_kafka_yield(consumer_);
  }

  Status ErrorOf(const rd_kafka_message_t& message) const {
    if (message.err == RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET ||
        message.err == RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE) {
      return Corruption(Where() + ": the log no longer has offset " +
                        std::to_string(position_));
    }
    return FromKafka(message.err, Where(), KafkaTask::kKnown);
  }

  // Before 2.2, librdkafka looks only once a second again at a partition whose
  // queue was full when it last wanted to fetch. A seek to where we are wakes
  // it, and costs nothing where nothing is queued; but it throws away a fetch
  // that is under way, so the longer those take, the longer we wait.
  void WakeIfStarved(bool fed) {
    const auto now = std::chrono::steady_clock::now();
    if (fed) {
      patience_ = std::max(kLeastPatience, patience_ / 2);
      fed_at_ = now;
    } else if (now - fed_at_ >= patience_) {
      rd_kafka_seek(topic_.get(), partition_, position_, 0);
      patience_ = std::min(kMostPatience, patience_ * 2);
      fed_at_ = now;
    }
  }

  std::string Where() const {
    return TopicPartition{rd_kafka_topic_name(topic_.get()), partition_}
               .ToString() +
           " from offset " + std::to_string(position_);
  }

  rd_kafka_t* const consumer_;
  const KafkaPtr<rd_kafka_topic_t> topic_;
  const int32_t partition_;
  KafkaPtr<rd_kafka_queue_t> queue_;  // None: not started.
  Offset position_;
  ReadCall call_;
  std::chrono::steady_clock::time_point fed_at_;  // Or last woken.
  Millis patience_ = kLeastPatience;
};

}  // namespace

Result<std::unique_ptr<ChangelogReader>> MakeKafkaChangelogReader(
    rd_kafka_t* consumer, const std::string& topic, int32_t partition,
    Offset from) {
  KafkaPtr<rd_kafka_topic_t> handle(
      rd_kafka_topic_new(consumer, topic.c_str(), nullptr));
  if (handle == nullptr) {
    return FromKafka(rd_kafka_last_error(), "changelog " + topic);
  }
  auto reader = std::make_unique<KafkaChangelogReader>(
      consumer, std::move(handle), partition, from);
  RETURN_IF_ERROR(reader->Start());
  return std::unique_ptr<ChangelogReader>(std::move(reader));
}

}  // namespace tacho
