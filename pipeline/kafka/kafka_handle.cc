#include "pipeline/kafka/kafka_handle.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <string_view>

#include "pipeline/base/log.h"

namespace tacho {
namespace {

StatusCode CodeOf(rd_kafka_resp_err_t error) {
  switch (error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
      return StatusCode::kOk;
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
      return StatusCode::kPermission;
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
      return StatusCode::kNotFound;
    case RD_KAFKA_RESP_ERR__BAD_MSG:
    case RD_KAFKA_RESP_ERR__BAD_COMPRESSION:
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
      return StatusCode::kCorruption;
    case RD_KAFKA_RESP_ERR__INVALID_ARG:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_INVALID_PARTITIONS:
    case RD_KAFKA_RESP_ERR_INVALID_REPLICATION_FACTOR:
    case RD_KAFKA_RESP_ERR_INVALID_CONFIG:
    case RD_KAFKA_RESP_ERR_INVALID_REQUEST:
    case RD_KAFKA_RESP_ERR_POLICY_VIOLATION:
    case RD_KAFKA_RESP_ERR_INVALID_GROUP_ID:
    case RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION:
    case RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE:
      return StatusCode::kInvalidArgument;
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID:
      return StatusCode::kInternal;
    default:
      return StatusCode::kUnavailable;
  }
}

// Time-outs, transport, coordinator moves and rebalances pass; a refusal, a
// bad argument or a lost log does not.
bool Retryable(rd_kafka_resp_err_t error) {
  return CodeOf(error) == StatusCode::kUnavailable;
}

void OnLog(const rd_kafka_t* /*handle*/, int level, const char* facility,
           const char* text) {
  // syslog levels: 0-3 errors, 4 warnings. An unreachable broker is an
  // everyday event, not an error of this process. Two kinds say nothing: a
  // job's properties go to consumer and producer alike (CONFWARN), and old
  // brokers do not know allow.auto.create.topics (AUTOCREATE).
  const std::string_view kind = facility;
  const bool expected = kind == "CONFWARN" || kind == "AUTOCREATE";
  if (level <= 4 && !expected) {
    LOG(kWarn, "kafka_client", {{"facility", facility}, {"text", text}});
  } else {
    LOG(kDebug, "kafka_client", {{"facility", facility}, {"text", text}});
  }
}

bool IsKnown(rd_kafka_conf_t* conf, const std::string& name) {
  size_t size = 0;
  return rd_kafka_conf_get(conf, name.c_str(), nullptr, &size) !=
         RD_KAFKA_CONF_UNKNOWN;
}

Result<KafkaPtr<rd_kafka_t>> MakeHandle(rd_kafka_type_t type,
                                        KafkaPtr<rd_kafka_conf_t> conf) {
  char error[512];
  rd_kafka_t* const handle =
      rd_kafka_new(type, conf.get(), error, sizeof error);
  if (handle == nullptr) {
    return InvalidArgument(std::string("Kafka client: ") + error);
  }
  conf.release();  // The handle owns it.
  return KafkaPtr<rd_kafka_t>(handle);
}

}  // namespace

void KafkaDeleter::operator()(rd_kafka_t* p) const { rd_kafka_destroy(p); }
void KafkaDeleter::operator()(rd_kafka_conf_t* p) const {
  rd_kafka_conf_destroy(p);
}
void KafkaDeleter::operator()(rd_kafka_queue_t* p) const {
  rd_kafka_queue_destroy(p);
}
void KafkaDeleter::operator()(rd_kafka_event_t* p) const {
  rd_kafka_event_destroy(p);
}
void KafkaDeleter::operator()(rd_kafka_topic_t* p) const {
  rd_kafka_topic_destroy(p);
}
void KafkaDeleter::operator()(rd_kafka_topic_partition_list_t* p) const {
  rd_kafka_topic_partition_list_destroy(p);
}
void KafkaDeleter::operator()(rd_kafka_error_t* p) const {
  rd_kafka_error_destroy(p);
}

Result<KafkaPtr<rd_kafka_conf_t>> MakeKafkaConf(
    const KafkaProperties& properties, const KafkaProperties& optional) {
  KafkaPtr<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  KafkaProperties all;
  for (const auto& property : optional) {
    if (IsKnown(conf.get(), property.first)) all.push_back(property);
  }
  all.insert(all.end(), properties.begin(), properties.end());
  for (const auto& [name, value] : all) {
    char error[512];
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), error,
                          sizeof error) != RD_KAFKA_CONF_OK) {
      return InvalidArgument("kafka." + name + ": " + error);
    }
  }
  return conf;
}

Result<KafkaPtr<rd_kafka_t>> MakeKafkaConsumer(KafkaPtr<rd_kafka_conf_t> conf) {
  return MakeHandle(RD_KAFKA_CONSUMER, std::move(conf));
}
Result<KafkaPtr<rd_kafka_t>> MakeKafkaProducer(KafkaPtr<rd_kafka_conf_t> conf) {
  return MakeHandle(RD_KAFKA_PRODUCER, std::move(conf));
}

Status FromKafka(int error, const std::string& context) {
  const auto code = static_cast<rd_kafka_resp_err_t>(error);
  if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return Status::Ok();
  return {CodeOf(code),
          context + ": " + rd_kafka_err2str(code) + " (" +
              rd_kafka_err2name(code) + ")",
          Retryable(code)};
}

Status FromKafkaPartition(int error, const std::string& context) {
  const Status status = FromKafka(error, context);
  if (error != RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION) return status;
  return {StatusCode::kUnavailable, status.message(), /*retryable=*/true};
}

KafkaPtr<rd_kafka_topic_partition_list_t> MakeTopicList(
    const std::vector<TopicPartition>& partitions) {
  KafkaPtr<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& tp : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), tp.topic.c_str(),
                                      tp.partition);
  }
  return list;
}

Result<int32_t> KafkaPartitionCount(rd_kafka_t* handle,
                                    const std::string& topic, int timeout_ms) {
  KafkaPtr<rd_kafka_topic_t> local(
      rd_kafka_topic_new(handle, topic.c_str(), nullptr));
  if (local == nullptr) {
    return FromKafka(rd_kafka_last_error(), "topic " + topic);
  }
  const rd_kafka_metadata_t* metadata = nullptr;
  const rd_kafka_resp_err_t error =
      rd_kafka_metadata(handle, 0, local.get(), &metadata, timeout_ms);
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return FromKafka(error, "metadata of topic " + topic);
  }
  rd_kafka_resp_err_t topic_error = RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
  int32_t count = 0;
  if (metadata->topic_cnt == 1) {
    topic_error = metadata->topics[0].err;
    count = metadata->topics[0].partition_cnt;
  }
  rd_kafka_metadata_destroy(metadata);
  if (topic_error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return FromKafka(topic_error, "topic " + topic);
  }
  return count;
}

KafkaProperties FetchProperties(size_t queue_bytes, int partitions) {
  // A queued message costs about 430 bytes beside its value (measured);
  // half of a partition's share goes to values.
  constexpr size_t kPerMessage = 430;
  const size_t share =
      queue_bytes / static_cast<size_t>(std::max(1, partitions));
  const size_t messages =
      std::clamp<size_t>(share / 2 / kPerMessage, 1000, 100000);
  const size_t kbytes = std::clamp<size_t>(share / 2 / 1024, 1024, 65536);
  const bool fixed_backoff = KafkaClientVersionNumber() < 0x020200ff;
  return {
      {"check.crcs", "true"},
      // Before 2.2 a full queue is looked at again only after a second, so it
      // has to hold a second of flow; later versions back off for 20 ms.
      {"queued.min.messages",
       std::to_string(fixed_backoff ? messages
                                    : std::min<size_t>(messages, 20000))},
      {"queued.max.messages.kbytes", std::to_string(kbytes)},
      {"fetch.message.max.bytes", "4194304"},
      {"socket.nagle.disable", "true"},
      {"socket.keepalive.enable", "true"},
  };
}

KafkaProperties ExplicitOffsetProperties() {
  return {{"enable.auto.commit", "false"},
          {"enable.auto.offset.store", "false"},
          {"auto.offset.reset", "error"},
          {"enable.partition.eof", "true"},
          {"isolation.level", "read_committed"},
          {"allow.auto.create.topics", "false"}};
}

std::string KafkaClientVersion() { return rd_kafka_version_str(); }
int KafkaClientVersionNumber() { return rd_kafka_version(); }

}  // namespace tacho
