#include "pipeline/kafka/kafka_handle.h"

#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <thread>

#include "pipeline/base/exit_watchdog.h"
#include "pipeline/base/file.h"
#include "pipeline/base/log.h"

namespace tacho {
namespace {

constexpr Millis kDestroyLimit{3000};  // On the way out.

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

// librdkafka's own message does not name the file.
Status CheckFile(const std::string& name, const std::string& value) {
  const bool is_path = name.starts_with("ssl.") && name.ends_with(".location");
  if (!is_path || value.empty() || value == "probe") return Status::Ok();
  if (access(value.c_str(), R_OK) == 0) return Status::Ok();
  // kNotFound is said of topics: a missing file is a wrong property.
  const Status why = CannotRead(value, errno).With("kafka." + name);
  return why.code() == StatusCode::kPermission ? why
                                               : InvalidArgument(why.message());
}

bool Sets(const KafkaProperties& properties, std::string_view name) {
  return std::any_of(properties.begin(), properties.end(),
                     [&](const auto& p) { return p.first == name; });
}

Result<KafkaPtr<rd_kafka_t>> MakeHandle(rd_kafka_type_t type,
                                        KafkaPtr<rd_kafka_conf_t> conf) {
  char error[512];
  rd_kafka_t* const handle =
      rd_kafka_new(type, conf.get(), error, sizeof error);
  if (handle == nullptr) {
    return InvalidArgument(std::string("Kafka client: ") + error);
  }
  (void)conf.release();  // The handle owns it.
  return KafkaPtr<rd_kafka_t>(handle);
}

}  // namespace

// It waits for every thread of the client, and for ever where a reference to a
// partition has leaked (2.0.2: after an input topic was deleted).
void KafkaDeleter::operator()(rd_kafka_t* p) const {
  const ExitStep step(std::string("rd_kafka_destroy of ") + rd_kafka_name(p),
                      kDestroyLimit);
  rd_kafka_destroy(p);
}
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

void DestroyKafkaLater(KafkaPtr<rd_kafka_t> handle) {
  if (handle == nullptr) return;
  std::thread([raw = handle.release()] {
    rd_kafka_destroy_flags(raw, RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE);
  }).detach();
}

Result<KafkaPtr<rd_kafka_conf_t>> MakeKafkaConf(
    const KafkaProperties& properties, const KafkaProperties& optional) {
  KafkaPtr<rd_kafka_conf_t> conf(rd_kafka_conf_new());
  rd_kafka_conf_set_log_cb(conf.get(), OnLog);
  KafkaProperties all;
  if (!Sets(properties, "reconnect.backoff.ms")) {
    // A broker that is back is found within a second. The client's own ten
    // would be most of what a restart costs.
    all.emplace_back("reconnect.backoff.max.ms", "1000");
  }
  for (const auto& property : optional) {
    if (IsKnown(conf.get(), property.first)) all.push_back(property);
  }
  all.insert(all.end(), properties.begin(), properties.end());
  for (const auto& [name, value] : all) {
    char error[512];
    if (rd_kafka_conf_set(conf.get(), name.c_str(), value.c_str(), error,
                          sizeof error) != RD_KAFKA_CONF_OK) {
      const bool unreplaced = value.find("${") != std::string::npos;
      return InvalidArgument(
          "kafka." + name + ": " + error +
          (unreplaced ? "; nothing replaces ${NAME} here: write {env: NAME}"
                      : ""));
    }
    RETURN_IF_ERROR(CheckFile(name, value));
  }
  return conf;
}

Result<KafkaPtr<rd_kafka_t>> MakeKafkaConsumer(KafkaPtr<rd_kafka_conf_t> conf) {
  return MakeHandle(RD_KAFKA_CONSUMER, std::move(conf));
}
Result<KafkaPtr<rd_kafka_t>> MakeKafkaProducer(KafkaPtr<rd_kafka_conf_t> conf) {
  return MakeHandle(RD_KAFKA_PRODUCER, std::move(conf));
}

int ToKafkaMs(Millis timeout) {
  return static_cast<int>(std::clamp<int64_t>(timeout.count(), 1, 3600 * 1000));
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

Result<std::string> KafkaClusterId(rd_kafka_t* handle, int timeout_ms) {
  // Asked for first: rd_kafka_clusterid sends nothing, and gives NULL alike for
  // no answer in time and for an answer without an id.
  const rd_kafka_metadata_t* metadata = nullptr;
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_metadata(handle, 0, nullptr, &metadata, timeout_ms),
                "metadata of the cluster"));
  rd_kafka_metadata_destroy(metadata);
  char* const id = rd_kafka_clusterid(handle, timeout_ms);
  if (id == nullptr) {
    return Status(StatusCode::kUnavailable,
                  "the broker has not said the id of its cluster",
                  /*retryable=*/true);
  }
  std::string text = id;
  rd_kafka_mem_free(handle, id);
  return text;
}

KafkaProperties FetchProperties(const FetchLimits& limits) {
  // Before 2.2 a full queue is looked at again only after a second, so it has
  // to hold a second of flow; later versions back off for 20 ms.
  constexpr size_t kEnough = 20000;
  const bool fixed_backoff = KafkaClientVersionNumber() < 0x020200ff;
  const size_t messages = fixed_backoff
                              ? limits.queue_messages
                              : std::min(limits.queue_messages, kEnough);
  return {
      {"check.crcs", "true"},
      {"queued.min.messages", std::to_string(messages)},
      {"queued.max.messages.kbytes",
       std::to_string(std::max<size_t>(1, limits.queue_bytes / 1024))},
      {"fetch.message.max.bytes", std::to_string(limits.partition_bytes)},
      {"fetch.max.bytes", std::to_string(limits.answer_bytes)},
      {"receive.message.max.bytes", std::to_string(limits.batch_bytes)},
      {"socket.nagle.disable", "true"},
      {"socket.keepalive.enable", "true"},
  };
}

KafkaProperties FetchPropertiesAfter(const FetchLimits& limits,
                                     const KafkaProperties& job) {
  size_t answer = limits.answer_bytes;
  for (const auto& [name, value] : job) {
    if (name == "fetch.max.bytes") {
      answer = std::strtoull(value.c_str(), nullptr, 10);
    }
  }
  // Also what librdkafka makes room for first when it unpacks lz4.
  const size_t bytes = std::clamp<size_t>(answer, 1000, 1000000);
  return {{"message.max.bytes", std::to_string(bytes)}};
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
