#include "pipeline/kafka/kafka_probe.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <utility>

namespace tacho {
namespace {

using std::chrono::steady_clock;

int ToMs(Millis timeout) {
  return static_cast<int>(
      std::clamp<int64_t>(timeout.count(), 1, 3600 * int64_t{1000}));
}

Millis Left(steady_clock::time_point deadline) {
  return std::chrono::duration_cast<Millis>(deadline - steady_clock::now());
}

struct MessageDeleter {
  void operator()(rd_kafka_message_t* p) const { rd_kafka_message_destroy(p); }
};

// Refusals speak; anything else says nothing about rights.
Status Verdict(rd_kafka_resp_err_t error, const std::string& context) {
  const Status status = FromKafka(error, context);
  if (status.ok() || status.code() == StatusCode::kPermission ||
      status.code() == StatusCode::kNotFound ||
      status.code() == StatusCode::kInvalidArgument) {
    return status;
  }
  return {StatusCode::kUnavailable, status.message(), /*retryable=*/true};
}

Status ReadOne(rd_kafka_t* consumer, const std::string& topic, Millis timeout) {
  const std::string context = "read topic " + topic;
  const KafkaPtr<rd_kafka_topic_t> local(
      rd_kafka_topic_new(consumer, topic.c_str(), nullptr));
  if (local == nullptr) return Verdict(rd_kafka_last_error(), context);
  // Without a known leader librdkafka looks again only after half a second.
  const auto count = KafkaPartitionCount(consumer, topic, ToMs(timeout));
  if (!count.ok()) return count.status();
  if (rd_kafka_consume_start(local.get(), 0, RD_KAFKA_OFFSET_END) != 0) {
    return Verdict(rd_kafka_last_error(), context);
  }
  const std::unique_ptr<rd_kafka_message_t, MessageDeleter> message(
      rd_kafka_consume(local.get(), 0, ToMs(timeout)));
  const rd_kafka_resp_err_t error =
      message == nullptr ? RD_KAFKA_RESP_ERR__TIMED_OUT : message->err;
  rd_kafka_consume_stop(local.get(), 0);
  if (error == RD_KAFKA_RESP_ERR__PARTITION_EOF) return Status::Ok();
  return Verdict(error, context);
}

// The verdicts of a producer's delivery reports.
struct Reports {
  TopicStatus* status = nullptr;

  static void OnDelivery(rd_kafka_t* /*producer*/,
                         const rd_kafka_message_t* message, void* opaque) {
    const std::string topic = rd_kafka_topic_name(message->rkt);
    Status& status = (*static_cast<Reports*>(opaque)->status)[topic];
    const bool refused_as_meant =
        message->err == RD_KAFKA_RESP_ERR_INVALID_REQUIRED_ACKS ||
        message->err == RD_KAFKA_RESP_ERR_NO_ERROR;
    status = refused_as_meant
                 ? Status::Ok()
                 : Verdict(message->err, "write to topic " + topic);
  }
};

}  // namespace

Result<TopicStatus> ProbeRead(const KafkaProperties& properties,
                              const std::vector<std::string>& topics,
                              Millis timeout) {
  KafkaProperties all = properties;
  const KafkaProperties owned = {{"group.id", "tacho-probe-never-joined"},
                                 {"enable.auto.commit", "false"},
                                 {"enable.partition.eof", "true"},
                                 {"fetch.wait.max.ms", "10"},
                                 {"auto.offset.reset", "error"},
                                 {"allow.auto.create.topics", "false"}};
  all.insert(all.end(), owned.begin(), owned.end());
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf, MakeKafkaConf(all));
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_t> consumer,
                   MakeKafkaConsumer(std::move(conf)));
  const auto deadline = steady_clock::now() + timeout;
  TopicStatus status;
  for (const std::string& topic : topics) {
    status[topic] = ReadOne(consumer.get(), topic, Left(deadline));
  }
  return status;
}

Result<TopicStatus> ProbeWrite(const KafkaProperties& properties,
                               const std::vector<std::string>& topics,
                               Millis timeout) {
  KafkaProperties all = properties;
  const KafkaProperties owned = {
      {"enable.idempotence", "false"},
      {"acks", "2"},
      {"retries", "0"},
      {"linger.ms", "0"},
      {"message.timeout.ms", std::to_string(ToMs(timeout))},
      {"allow.auto.create.topics", "false"}};
  all.insert(all.end(), owned.begin(), owned.end());
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf, MakeKafkaConf(all));
  TopicStatus status;
  Reports reports{&status};
  rd_kafka_conf_set_opaque(conf.get(), &reports);
  rd_kafka_conf_set_dr_msg_cb(conf.get(), &Reports::OnDelivery);
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_t> producer,
                   MakeKafkaProducer(std::move(conf)));
  for (const std::string& topic : topics) {
    status[topic] = {StatusCode::kUnavailable, "no answer", true};
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        producer.get(), RD_KAFKA_V_TOPIC(topic.c_str()),
        RD_KAFKA_V_PARTITION(0), RD_KAFKA_V_VALUE(nullptr, 0), RD_KAFKA_V_END);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
      status[topic] = Verdict(error, "write to topic " + topic);
    }
  }
  rd_kafka_flush(producer.get(), ToMs(timeout));
  rd_kafka_purge(producer.get(),
                 RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  rd_kafka_flush(producer.get(), 100);
  return status;
}

Status ProbeTransactionalId(const KafkaProperties& properties,
                            const std::string& id, Millis transaction_timeout,
                            Millis timeout) {
  const std::string context = "transactional id " + id;
  KafkaProperties all = properties;
  all.emplace_back("transactional.id", id);
  all.emplace_back("transaction.timeout.ms",
                   std::to_string(transaction_timeout.count()));
  all.emplace_back("message.timeout.ms",
                   std::to_string(transaction_timeout.count()));
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf, MakeKafkaConf(all));
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_t> producer,
                   MakeKafkaProducer(std::move(conf)));
  const KafkaPtr<rd_kafka_error_t> error(
      rd_kafka_init_transactions(producer.get(), ToMs(timeout)));
  if (error == nullptr) return Status::Ok();
  rd_kafka_resp_err_t code = rd_kafka_error_code(error.get());
  char reason[512] = "";
  if (code == RD_KAFKA_RESP_ERR__FATAL) {
    code = rd_kafka_fatal_error(producer.get(), reason, sizeof reason);
  }
  if (code == RD_KAFKA_RESP_ERR_INVALID_TRANSACTION_TIMEOUT) {
    return InvalidArgument(context + ": a transaction timeout of " +
                           std::to_string(transaction_timeout.count()) +
                           " ms is more than the broker's "
                           "transaction.max.timeout.ms");
  }
  return Verdict(code, context);
}

}  // namespace tacho
