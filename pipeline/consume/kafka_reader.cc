#include "pipeline/consume/kafka_reader.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <atomic>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/headers.h"
#include "pipeline/base/log.h"
#include "pipeline/consume/unreadable_search.h"
#include "pipeline/kafka/topic_list.h"

namespace tacho {
namespace {

const bool kFetchesAgainSoon = KafkaClientVersionNumber() >= 0x020200ff;

class KafkaReader final : public PartitionReader {
 public:
  KafkaReader(rd_kafka_t* consumer, const TopicPartition& tp,
              const FetchLimits& fetch)
      : consumer_(consumer),
        tp_(tp),
        fetch_(fetch),
        queue_(rd_kafka_queue_get_partition(consumer, tp.topic.c_str(),
                                            tp.partition)) {
    rd_kafka_queue_forward(queue_.get(), nullptr);
  }
  ~KafkaReader() override { DisableReadable(); }

  Drained Drain(Batch& batch, const DrainLimits& limits) override {
    const size_t queued =
        kFetchesAgainSoon ? 0 : rd_kafka_queue_length(queue_.get());
    drain_ = {this, &batch, &limits, {}};
    // Timeout 0 never blocks; rd_kafka_yield in the callback ends it early and
    // leaves the rest in the queue.
    rd_kafka_consume_callback_queue(queue_.get(), 0, &KafkaReader::OnMessage,
                                    &drain_);
    if (seek_to_ != kNoOffset) {
      SeekNow(drain_.result);
    } else if (!kFetchesAgainSoon) {
      WakeIfStarved(queued, batch);
    }
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

  Offset EndOfCommitted() const override {
    return end_of_committed_.load(std::memory_order_relaxed);
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
    KafkaReader& reader = *call.reader;
    // What is left of the queue comes from before the seek.
    if (reader.seek_to_ != kNoOffset || !call.result.error.ok()) return;
    if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
      reader.OnError(*message, call);
    } else if (!reader.search_.active() || reader.GoesOnAfter(call)) {
      reader.Take(*message, call);
    }
  }

  void Take(rd_kafka_message_t& message, DrainCall& call) {
    if (message.offset < call.limits->min_offset) {
      ++call.result.repeated;
      return;
    }
    rd_kafka_timestamp_type_t type;
    const int64_t timestamp = rd_kafka_message_timestamp(&message, &type);
    Message& added = call.batch->AddMessage(
        message.offset,
        type == RD_KAFKA_TIMESTAMP_NOT_AVAILABLE ? kNoLogTime
                                                 : FromEpochMillis(timestamp),
        {static_cast<const char*>(message.key), message.key_len},
        {static_cast<const char*>(message.payload), message.len});
    if (call.limits->headers.count > 0) AddHeaders(message, call, added);
    call.reader->at_end_ = false;
    call.result.next_offset = message.offset + 1;
    if (call.batch->messages.size() >= call.limits->max_messages ||
        call.batch->bytes() >= call.limits->max_bytes) {
      call.result.more = true;
      rd_kafka_yield(consumer_);
    }
  }

  // As many as fit, in order: one that does not fit ends it.
  void AddHeaders(rd_kafka_message_t& message, DrainCall& call,
                  Message& added) {
    rd_kafka_headers_t* headers = nullptr;
    if (rd_kafka_message_headers(&message, &headers) !=
        RD_KAFKA_RESP_ERR_NO_ERROR) {
      return;  // None, nearly always.
    }
    const HeaderLimits& limits = call.limits->headers;
    headers_.clear();
    size_t kept = 0;
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    while (kept < limits.count &&
           rd_kafka_header_get_all(headers, kept, &name, &value, &size) ==
               RD_KAFKA_RESP_ERR_NO_ERROR) {
      const std::string_view key(name);
      if (key.size() > UINT16_MAX ||
          headers_.size() + key.size() + size > limits.bytes) {
        break;
      }
      AppendHeader(headers_, key, {static_cast<const char*>(value), size});
      ++kept;
    }
    added.headers = call.batch->arena.Copy({headers_.data(), headers_.size()});
    added.headers_dropped =
        static_cast<uint32_t>(rd_kafka_header_cnt(headers) - kept);
  }

  // Before 2.2, librdkafka looks only once a second again at a partition whose
  // queue was full when it last wanted to fetch. A seek to where we are wakes
  // it, and costs nothing as long as nothing is queued.
  void WakeIfStarved(size_t queued, const Batch& batch) {
    const size_t count = batch.messages.size();
    const Drained& drained = drain_.result;
    if (count == 0) return;
    full_ = full_ || queued >= fetch_.queue_messages / 2 ||
            queued * (batch.bytes() / count) >= fetch_.queue_bytes / 2;
    if (!full_ || drained.more || !drained.error.ok()) return;
    full_ = false;
    if (at_end_ || search_.active()) return;
    if (topic_ == nullptr) {
      topic_.reset(rd_kafka_topic_new(consumer_, tp_.topic.c_str(), nullptr));
    }
    // Without a time limit it would wait; what it says changes nothing.
    (void)rd_kafka_seek(topic_.get(), tp_.partition, drained.next_offset, 0);
  }

  void OnError(const rd_kafka_message_t& message, DrainCall& call) {
    if (message.err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      if (search_.active() && !GoesOnAfter(call)) return;
      end_of_committed_.store(message.offset, std::memory_order_relaxed);
      at_end_ = true;
      // The end lies past control records and compacted gaps.
      if (message.offset > call.result.next_offset &&
          message.offset >= call.limits->min_offset) {
        call.result.next_offset = message.offset;
      }
      return;
    }
    if (IsUnreadable(message.err) && call.limits->skip_unreadable) {
      return OnUnreadable(message, call);
    }
    // librdkafka 2.0.2 may go on after a batch that it could not read; we must
    // not. The first error stops the lane; what follows is not taken.
    call.result.error = ErrorOf(message, call);
    call.result.more = false;
    rd_kafka_yield(consumer_);
  }

  // librdkafka says where the batch begins, not where it ends, and asks for
  // the same batch again after half a second.
  static bool IsUnreadable(rd_kafka_resp_err_t error) {
    return error == RD_KAFKA_RESP_ERR__BAD_COMPRESSION ||
           error == RD_KAFKA_RESP_ERR__BAD_MSG ||
           error == RD_KAFKA_RESP_ERR__UNDERFLOW ||
           error == RD_KAFKA_RESP_ERR__NOT_IMPLEMENTED;
  }

  void OnUnreadable(const rd_kafka_message_t& message, DrainCall& call) {
    if (search_.active() && message.offset <= search_.first()) {
      search_.Inside();
    } else if (search_.active()) {
      search_.Outside(message.offset);  // Another batch, as bad.
    } else {
      const Offset next = NextOffset(call);
      unreadable_ = rd_kafka_err2str(message.err) + std::string(": batch at ") +
                    std::to_string(message.offset);
      LOG(kWarn, "unreadable_batch",
          {{"topic", tp_.topic},
           {"partition", tp_.partition},
           {"offset", message.offset},
           {"reason", ErrorText(message)}});
      search_.Begin(std::max(next, message.offset), EndOffset());
    }
    if (search_.done()) Found(call);
    seek_to_ = search_.active() ? search_.probe() : call.result.next_offset;
    rd_kafka_yield(consumer_);
  }

  // Something readable came from the probe on. True if it is what follows the
  // unreadable batch.
  bool GoesOnAfter(DrainCall& call) {
    const Offset probe = search_.probe();
    search_.Outside(probe);
    if (search_.done()) {
      Found(call);
      return true;
    }
    seek_to_ = search_.probe();
    rd_kafka_yield(consumer_);
    return false;
  }

  void Found(DrainCall& call) {
    const auto [first, end] = search_.Take();
    call.batch->AddUnreadable(first, end, unreadable_);
    call.result.next_offset = end;
  }

  // Waits for nothing; what is queued from before is dropped from now on.
  void SeekNow(Drained& result) {
    const Offset offset = std::exchange(seek_to_, kNoOffset);
    const auto list = MakeTopicList({tp_});
    list->elems[0].offset = offset;
    const KafkaPtr<rd_kafka_error_t> error(
        rd_kafka_seek_partitions(consumer_, list.get(), 0));
    const rd_kafka_resp_err_t code = error != nullptr
                                         ? rd_kafka_error_code(error.get())
                                         : list->elems[0].err;
    // The queue may still hold what makes it look readable.
    result.more = true;
    if (code == RD_KAFKA_RESP_ERR_NO_ERROR ||
        code == RD_KAFKA_RESP_ERR__IN_PROGRESS) {
      return;
    }
    result.error =
        FromKafka(code, "seek " + tp_.ToString() + " past an unreadable batch");
  }

  Offset NextOffset(const DrainCall& call) const {
    return std::max(call.result.next_offset, call.limits->min_offset);
  }

  static std::string ErrorText(const rd_kafka_message_t& message) {
    const char* const text = rd_kafka_message_errstr(&message);
    return text == nullptr ? rd_kafka_err2str(message.err) : text;
  }

  Status ErrorOf(const rd_kafka_message_t& message,
                 const DrainCall& call) const {
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
    if (IsUnreadable(message.err)) {
      return Corruption(
          where + ": the batch here cannot be read: " + ErrorText(message) +
          ". If it unpacks to more than receive.message.max.bytes (" +
          ReceiveLimit() +
          "), raise that under kafka:; or write on_unreadable: skip under "
          "input:, which puts a reject in its place and goes on after it; or "
          "stop the group and step over it: tacho offsets reset JOB.yaml "
          "--topic " +
          tp_.topic + " --partition " + std::to_string(tp_.partition) +
          " --to " +
          std::to_string(std::max(NextOffset(call), message.offset) + 1) +
          " --state keep");
    }
    return FromKafka(message.err, where + ": " + ErrorText(message));
  }

  std::string ReceiveLimit() const {
    char value[32] = {};
    size_t size = sizeof value;
    const bool known =
        rd_kafka_conf_get(rd_kafka_conf(consumer_), "receive.message.max.bytes",
                          value, &size) == RD_KAFKA_CONF_OK;
    return known ? std::string(value) + " bytes" : "100 MB unless set";
  }

  rd_kafka_t* const consumer_;
  const TopicPartition tp_;
  const FetchLimits fetch_;
  const KafkaPtr<rd_kafka_queue_t> queue_;
  KafkaPtr<rd_kafka_topic_t> topic_;  // Once it had to be woken.
  bool full_ = false;                 // Since it was last empty.
  bool at_end_ = false;               // Nothing came after the end.
  std::function<void()> on_readable_;
  DrainCall drain_;
  std::atomic<Offset> end_of_committed_{kNoOffset};
  std::vector<char> headers_;   // Of one message, encoded.
  UnreadableSearch search_;     // Active: a batch cannot be read.
  std::string unreadable_;      // And why.
  Offset seek_to_ = kNoOffset;  // Wanted once the drain has ended.
};

}  // namespace

std::unique_ptr<PartitionReader> MakeKafkaReader(rd_kafka_t* consumer,
                                                 const TopicPartition& tp,
                                                 const FetchLimits& fetch) {
  return std::make_unique<KafkaReader>(consumer, tp, fetch);
}

}  // namespace tacho
