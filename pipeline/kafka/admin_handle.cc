#include "pipeline/kafka/admin_handle.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <utility>

namespace tacho {
namespace {

constexpr Millis kPause{50};  // Between two questions of a wait.

KafkaProperties WithOurs(const KafkaProperties& properties) {
  KafkaProperties all = {{"client.id", "tacho-admin"}};
  all.insert(all.end(), properties.begin(), properties.end());
  // High watermarks, not last stable offsets.
  all.emplace_back("isolation.level", "read_uncommitted");
  // Answers about groups are handled by code that takes a group for granted
  // (rdkafka_request.c); this one is never joined.
  all.emplace_back("group.id", "tacho-admin-never-joined");
  all.emplace_back("enable.auto.commit", "false");
  all.emplace_back("allow.auto.create.topics", "false");
  return all;
}

}  // namespace

AdminHandle::AdminHandle(const KafkaProperties& properties)
    : properties_(WithOurs(properties)) {}

Status AdminHandle::Open() {
  if (handle_ != nullptr) return Status::Ok();
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf, MakeKafkaConf(properties_));
  ASSIGN_OR_RETURN(handle_, MakeKafkaConsumer(std::move(conf)));
  return Status::Ok();
}

Result<KafkaPtr<rd_kafka_event_t>> AdminHandle::Call(const std::string& context,
                                                     Millis timeout,
                                                     const Send& send) {
  KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(handle_.get()));
  send(handle_.get(), queue.get());
  KafkaPtr<rd_kafka_event_t> event(
      rd_kafka_queue_poll(queue.get(), ToKafkaMs(timeout)));
  if (event == nullptr) {
    queue.reset();
    DestroyKafkaLater(std::move(handle_));
    RETURN_IF_ERROR(Open());
    return FromKafka(RD_KAFKA_RESP_ERR__TIMED_OUT, context);
  }
  RETURN_IF_ERROR(FromKafkaText(rd_kafka_event_error(event.get()),
                                rd_kafka_event_error_string(event.get()),
                                context));
  return event;
}

// Nothing comes out of this queue: the handle has no events of its own.
bool AdminHandle::Pause(const Deadline& deadline) const {
  if (deadline.passed()) return false;
  rd_kafka_poll(handle_.get(), ToKafkaMs(std::min(kPause, deadline.left())));
  return true;
}

}  // namespace tacho
