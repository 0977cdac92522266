#include "pipeline/demo/kafka_feed.h"

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <utility>

namespace tacho {

using std::chrono::steady_clock;

struct KafkaFeed::Impl {
  // Destroyed last to first: the topic before its handle.
  KafkaPtr<rd_kafka_t> producer;
  KafkaPtr<rd_kafka_topic_t> topic;
  std::string name;
  Millis stall{0};
  uint64_t reports = 0;  // Of messages that were taken or given up.
  uint64_t failed = 0;
  rd_kafka_resp_err_t first_error = RD_KAFKA_RESP_ERR_NO_ERROR;

  static void OnDelivery(rd_kafka_t* /*producer*/,
                         const rd_kafka_message_t* message, void* opaque) {
    auto* self = static_cast<Impl*>(opaque);
    ++self->reports;
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) return;
    if (self->failed++ == 0) self->first_error = message->err;
  }
};

KafkaFeed::KafkaFeed(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaFeed::~KafkaFeed() = default;

Result<std::unique_ptr<KafkaFeed>> KafkaFeed::Open(
    const KafkaProperties& properties, const std::string& topic, Millis stall) {
  KafkaProperties all = {{"linger.ms", "5"},
                         {"batch.size", "1000000"},
                         {"compression.type", "lz4"},
                         {"message.max.bytes", "8000000"},
                         {"queue.buffering.max.messages", "200000"},
                         {"socket.nagle.disable", "true"}};
  all.insert(all.end(), properties.begin(), properties.end());
  all.emplace_back("enable.idempotence", "true");
  all.emplace_back("partitioner", "murmur2");
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf, MakeKafkaConf(all));
  auto impl = std::make_unique<Impl>();
  impl->name = topic;
  impl->stall = stall;
  rd_kafka_conf_set_opaque(conf.get(), impl.get());
  rd_kafka_conf_set_dr_msg_cb(conf.get(), &Impl::OnDelivery);
  ASSIGN_OR_RETURN(impl->producer, MakeKafkaProducer(std::move(conf)));
  impl->topic.reset(
      rd_kafka_topic_new(impl->producer.get(), topic.c_str(), nullptr));
  if (impl->topic == nullptr) {
    return FromKafka(rd_kafka_last_error(), "topic " + topic);
  }
  return std::unique_ptr<KafkaFeed>(new KafkaFeed(std::move(impl)));
}

Status KafkaFeed::Send(std::optional<std::string_view> key,
                       std::string_view value) {
  // rd_kafka_produce does not write to what it copies.
  void* const payload = const_cast<char*>(value.data());
  uint64_t reports = impl_->reports;
  steady_clock::time_point moved = steady_clock::now();
  while (rd_kafka_produce(impl_->topic.get(), key ? RD_KAFKA_PARTITION_UA : 0,
                          RD_KAFKA_MSG_F_COPY, payload, value.size(),
                          key ? key->data() : nullptr, key ? key->size() : 0,
                          nullptr) == -1) {
    const rd_kafka_resp_err_t error = rd_kafka_last_error();
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return FromKafka(error, "send to topic " + impl_->name);
    }
    RETURN_IF_ERROR(AwaitRoom(reports, moved));
  }
  if (++sent_ % 512 == 0) rd_kafka_poll(impl_->producer.get(), 0);
  return Status::Ok();
}

Status KafkaFeed::AwaitRoom(uint64_t& reports,
                            steady_clock::time_point& moved) {
  rd_kafka_poll(impl_->producer.get(), 10);
  const auto now = steady_clock::now();
  if (std::exchange(reports, impl_->reports) != impl_->reports) moved = now;
  if (now - moved < impl_->stall) return Status::Ok();
  return {
      StatusCode::kUnavailable,
      "send to topic " + impl_->name +
          ": the client's queue is full, and no broker has taken anything "
          "for " +
          std::to_string(impl_->stall.count()) +
          " ms; check that the brokers run and that the topic has a leader"};
}

Status KafkaFeed::Flush(Millis timeout) {
  RETURN_IF_ERROR(FromKafka(
      rd_kafka_flush(impl_->producer.get(), static_cast<int>(timeout.count())),
      "flush topic " + impl_->name));
  if (impl_->failed == 0) return Status::Ok();
  return FromKafka(impl_->first_error, std::to_string(impl_->failed) +
                                           " messages to topic " + impl_->name +
                                           " failed, the first");
}

}  // namespace tacho
