#include "tests/support/real_broker.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <string_view>

#include "pipeline/base/check.h"

namespace tacho {
namespace {

using std::chrono::steady_clock;
constexpr auto kReadyDeadline = std::chrono::seconds(60);
constexpr auto kCallDeadline = std::chrono::seconds(30);
constexpr int kCallMs = 30000;
constexpr int kProbeMs = 500;
constexpr int kPollMs = 100;
constexpr int kStartAttempts = 3;  // A free port may be taken meanwhile.

using Properties = std::vector<std::pair<std::string, std::string>>;

template <typename T, void (*destroy)(T*)>
struct Destroy {
  void operator()(T* object) const { destroy(object); }
};
template <typename T, void (*destroy)(T*)>
using Owned = std::unique_ptr<T, Destroy<T, destroy>>;
using Handle = Owned<rd_kafka_t, rd_kafka_destroy>;
using Queue = Owned<rd_kafka_queue_t, rd_kafka_queue_destroy>;
using Event = Owned<rd_kafka_event_t, rd_kafka_event_destroy>;
using Message = Owned<rd_kafka_message_t, rd_kafka_message_destroy>;
using Options = Owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using NewTopic = Owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using NewPartitions =
    Owned<rd_kafka_NewPartitions_t, rd_kafka_NewPartitions_destroy>;
using DeleteRecordsRequest =
    Owned<rd_kafka_DeleteRecords_t, rd_kafka_DeleteRecords_destroy>;
using Partitions = Owned<rd_kafka_topic_partition_list_t,
                         rd_kafka_topic_partition_list_destroy>;

Status FromKafka(rd_kafka_resp_err_t error, const std::string& what) {
  if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Status::Ok();
  return {StatusCode::kUnavailable, what + ": " + rd_kafka_err2str(error)};
}

Status FromKafka(rd_kafka_error_t* error, const std::string& what) {
  if (error == nullptr) return Status::Ok();
  const Owned<rd_kafka_error_t, rd_kafka_error_destroy> owned(error);
  return {StatusCode::kUnavailable, what + ": " + rd_kafka_error_string(error)};
}

// Counts what was not delivered; the opaque is the count.
void OnDelivery(rd_kafka_t*, const rd_kafka_message_t* message, void* opaque) {
  if (message->err != RD_KAFKA_RESP_ERR_NO_ERROR) {
    ++*static_cast<size_t*>(opaque);
  }
}

Handle NewHandle(rd_kafka_type_t type, const std::string& bootstrap,
                 const Properties& properties, size_t* undelivered = nullptr) {
  rd_kafka_conf_t* const conf = rd_kafka_conf_new();
  char error[512];
  Properties all = {{"bootstrap.servers", bootstrap},
                    {"reconnect.backoff.ms", "20"},
                    {"reconnect.backoff.max.ms", "200"},
                    {"log_level", "2"}};
  all.insert(all.end(), properties.begin(), properties.end());
  for (const auto& [name, value] : all) {
    CHECK(rd_kafka_conf_set(conf, name.c_str(), value.c_str(), error,
                            sizeof error) == RD_KAFKA_CONF_OK);
  }
  if (undelivered != nullptr) {
    rd_kafka_conf_set_dr_msg_cb(conf, OnDelivery);
    rd_kafka_conf_set_opaque(conf, undelivered);
  }
  Handle handle(rd_kafka_new(type, conf, error, sizeof error));
  CHECK(handle != nullptr);
  return handle;
}

Handle NewConsumer(const std::string& bootstrap, const std::string& group,
                   Isolation isolation) {
  const bool committed = isolation == Isolation::kCommitted;
  return NewHandle(
      RD_KAFKA_CONSUMER, bootstrap,
      {{"group.id", group},
       {"enable.auto.commit", "false"},
       {"enable.partition.eof", "true"},
       {"fetch.wait.max.ms", "10"},
       {"isolation.level", committed ? "read_committed" : "read_uncommitted"}});
}

// The first error among the topics of an admin result.
Status TopicResults(const rd_kafka_topic_result_t** results, size_t count,
                    const std::string& what) {
  for (size_t i = 0; i < count; ++i) {
    const auto error = rd_kafka_topic_result_error(results[i]);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const char* const text = rd_kafka_topic_result_error_string(results[i]);
    return {StatusCode::kUnavailable,
            what + ": " + (text != nullptr ? text : rd_kafka_err2str(error))};
  }
  return Status::Ok();
}

Options AdminOptions(rd_kafka_t* handle, rd_kafka_admin_op_t operation) {
  Options options(rd_kafka_AdminOptions_new(handle, operation));
  char error[512];
  // Waits for the change to reach the broker, not only the controller.
  CHECK(rd_kafka_AdminOptions_set_operation_timeout(options.get(), kCallMs,
                                                    error, sizeof error) ==
        RD_KAFKA_RESP_ERR_NO_ERROR);
  return options;
}

rd_kafka_headers_t* NewHeaders(const KafkaRecord& record) {
  rd_kafka_headers_t* const headers =
      rd_kafka_headers_new(record.headers.size());
  for (const auto& [name, value] : record.headers) {
    rd_kafka_header_add(headers, name.c_str(), -1, value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  return headers;
}

// Waits for room in the queue; librdkafka copies the bytes.
Status ProduceOne(rd_kafka_t* handle, const std::string& topic,
                  const KafkaRecord& record) {
  static char empty[1] = {};
  const auto bytes = [](const std::optional<std::string>& text) {
    return !text           ? nullptr
           : text->empty() ? empty
                           : const_cast<char*>(text->data());
  };
  const auto size = [](const std::optional<std::string>& text) {
    return text ? text->size() : 0;
  };
  const auto deadline = steady_clock::now() + kCallDeadline;
  for (;;) {
    rd_kafka_headers_t* const headers = NewHeaders(record);
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        handle, RD_KAFKA_V_TOPIC(topic.c_str()),
        RD_KAFKA_V_PARTITION(record.partition),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_KEY(bytes(record.key), size(record.key)),
        RD_KAFKA_V_VALUE(bytes(record.value), size(record.value)),
        RD_KAFKA_V_TIMESTAMP(record.timestamp_ms), RD_KAFKA_V_HEADERS(headers),
        RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) return Status::Ok();
    rd_kafka_headers_destroy(headers);
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL ||
        steady_clock::now() > deadline) {
      return FromKafka(error, "produce to " + topic);
    }
    rd_kafka_poll(handle, kPollMs);
  }
}

KafkaRecord ToRecord(rd_kafka_message_t* message) {
  KafkaRecord record;
  const auto text = [](const void* bytes, size_t size) {
    return bytes == nullptr
               ? std::optional<std::string>()
               : std::string(static_cast<const char*>(bytes), size);
  };
  record.key = text(message->key, message->key_len);
  record.value = text(message->payload, message->len);
  record.partition = message->partition;
  record.offset = message->offset;
  record.timestamp_ms = rd_kafka_message_timestamp(message, nullptr);
  rd_kafka_headers_t* headers = nullptr;
  if (rd_kafka_message_headers(message, &headers) ==
      RD_KAFKA_RESP_ERR_NO_ERROR) {
    const char* name = nullptr;
    const void* value = nullptr;
    size_t size = 0;
    for (size_t i = 0;
         rd_kafka_header_get_all(headers, i, &name, &value, &size) == 0; ++i) {
      record.headers.emplace_back(name, text(value, size).value_or(""));
    }
  }
  return record;
}

Partitions AllPartitions(const std::string& topic, int32_t count,
                         Offset offset) {
  Partitions list(rd_kafka_topic_partition_list_new(count));
  for (int32_t p = 0; p < count; ++p) {
    rd_kafka_topic_partition_list_add(list.get(), topic.c_str(), p)->offset =
        offset;
  }
  return list;
}

}  // namespace

bool RealBroker::Available() {
  std::error_code ignored;
  bool jars = false;
  for (std::filesystem::directory_iterator it(BrokerProcess::Libs(), ignored),
       end;
       !ignored && it != end; it.increment(ignored)) {
    jars |= it->path().filename().string().starts_with("kafka_2.13-");
  }
  return jars && std::system("java -version > /dev/null 2>&1") == 0;
}

Status RealBroker::Start() {
  Status status;
  for (int attempt = 0; attempt < kStartAttempts; ++attempt) {
    RETURN_IF_ERROR(process_.Format());
    status = Restart();
    if (status.ok()) break;
    process_.Kill();
  }
  return status;
}

Status RealBroker::Restart() {
  RETURN_IF_ERROR(process_.Start());
  return AwaitReady();
}

Status RealBroker::AwaitReady() {
  const auto deadline = steady_clock::now() + kReadyDeadline;
  const Handle handle = NewHandle(RD_KAFKA_PRODUCER, bootstrap(), {});
  while (process_.running() && steady_clock::now() < deadline) {
    const struct rd_kafka_metadata* metadata = nullptr;
    const auto error =
        rd_kafka_metadata(handle.get(), 1, nullptr, &metadata, kProbeMs);
    if (error != RD_KAFKA_RESP_ERR_NO_ERROR) continue;
    const int brokers = metadata->broker_cnt;
    rd_kafka_metadata_destroy(metadata);
    if (brokers > 0) return Status::Ok();
  }
  return {StatusCode::kUnavailable,
          "the broker did not become ready:\n" + process_.LogTail()};
}

Status RealBroker::CreateTopic(
    const std::string& name, int partitions,
    const std::map<std::string, std::string>& configs) {
  const Handle handle = NewHandle(RD_KAFKA_PRODUCER, bootstrap(), {});
  char error[512];
  const NewTopic topic(
      rd_kafka_NewTopic_new(name.c_str(), partitions, 1, error, sizeof error));
  if (topic == nullptr) return InvalidArgument(error);
  for (const auto& [key, value] : configs) {
    RETURN_IF_ERROR(FromKafka(
        rd_kafka_NewTopic_set_config(topic.get(), key.c_str(), value.c_str()),
        key));
  }
  const Queue queue(rd_kafka_queue_new(handle.get()));
  const Options options =
      AdminOptions(handle.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_NewTopic_t* topics[] = {topic.get()};
  rd_kafka_CreateTopics(handle.get(), topics, 1, options.get(), queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), kCallMs));
  const auto* const result = rd_kafka_event_CreateTopics_result(event.get());
  if (result == nullptr) return {StatusCode::kUnavailable, "create " + name};
  size_t count = 0;
  const auto results = rd_kafka_CreateTopics_result_topics(result, &count);
  RETURN_IF_ERROR(FromKafka(rd_kafka_event_error(event.get()), name));
  RETURN_IF_ERROR(TopicResults(results, count, "create " + name));
  return AwaitPartitions(name, partitions);
}

Status RealBroker::DeleteTopic(const std::string& name) {
  const Handle handle = NewHandle(RD_KAFKA_PRODUCER, bootstrap(), {});
  const Queue queue(rd_kafka_queue_new(handle.get()));
  const Options options =
      AdminOptions(handle.get(), RD_KAFKA_ADMIN_OP_DELETETOPICS);
  rd_kafka_DeleteTopic_t* const topic = rd_kafka_DeleteTopic_new(name.c_str());
  rd_kafka_DeleteTopic_t* topics[] = {topic};
  rd_kafka_DeleteTopics(handle.get(), topics, 1, options.get(), queue.get());
  rd_kafka_DeleteTopic_destroy(topic);
  const Event event(rd_kafka_queue_poll(queue.get(), kCallMs));
  const auto* const result = rd_kafka_event_DeleteTopics_result(event.get());
  if (result == nullptr) return {StatusCode::kUnavailable, "delete " + name};
  size_t count = 0;
  const auto results = rd_kafka_DeleteTopics_result_topics(result, &count);
  RETURN_IF_ERROR(FromKafka(rd_kafka_event_error(event.get()), name));
  return TopicResults(results, count, "delete " + name);
}

Status RealBroker::AddPartitions(const std::string& name, int total) {
  const Handle handle = NewHandle(RD_KAFKA_PRODUCER, bootstrap(), {});
  char error[512];
  const NewPartitions more(rd_kafka_NewPartitions_new(
      name.c_str(), static_cast<size_t>(total), error, sizeof error));
  if (more == nullptr) return InvalidArgument(error);
  const Queue queue(rd_kafka_queue_new(handle.get()));
  const Options options =
      AdminOptions(handle.get(), RD_KAFKA_ADMIN_OP_CREATEPARTITIONS);
  rd_kafka_NewPartitions_t* topics[] = {more.get()};
  rd_kafka_CreatePartitions(handle.get(), topics, 1, options.get(),
                            queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), kCallMs));
  const auto* const result =
      rd_kafka_event_CreatePartitions_result(event.get());
  if (result == nullptr) return {StatusCode::kUnavailable, "grow " + name};
  size_t count = 0;
  const auto results = rd_kafka_CreatePartitions_result_topics(result, &count);
  RETURN_IF_ERROR(FromKafka(rd_kafka_event_error(event.get()), name));
  RETURN_IF_ERROR(TopicResults(results, count, "grow " + name));
  return AwaitPartitions(name, total);
}

// The controller answers before the broker knows: until then a client may be
// told that there is no such topic.
Status RealBroker::AwaitPartitions(const std::string& name, int count) {
  const auto deadline = steady_clock::now() + kCallDeadline;
  while (true) {
    const Result<std::vector<Offset>> ends = EndOffsets(name);
    if (ends.ok() && std::ssize(*ends) == count) return Status::Ok();
    if (steady_clock::now() > deadline) {
      return {StatusCode::kUnavailable,
              name + " did not get " + std::to_string(count) + " partitions"};
    }
  }
}

Status RealBroker::DeleteRecords(const std::string& name,
                                 const std::map<int32_t, Offset>& offsets) {
  const Handle handle = NewHandle(RD_KAFKA_PRODUCER, bootstrap(), {});
  const Partitions list(
      rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const auto& [partition, offset] : offsets) {
    rd_kafka_topic_partition_list_add(list.get(), name.c_str(), partition)
        ->offset = offset;
  }
  const DeleteRecordsRequest request(rd_kafka_DeleteRecords_new(list.get()));
  const Queue queue(rd_kafka_queue_new(handle.get()));
  const Options options =
      AdminOptions(handle.get(), RD_KAFKA_ADMIN_OP_DELETERECORDS);
  rd_kafka_DeleteRecords_t* requests[] = {request.get()};
  rd_kafka_DeleteRecords(handle.get(), requests, 1, options.get(), queue.get());
  const Event event(rd_kafka_queue_poll(queue.get(), kCallMs));
  const auto* const result = rd_kafka_event_DeleteRecords_result(event.get());
  if (result == nullptr) return {StatusCode::kUnavailable, "delete " + name};
  RETURN_IF_ERROR(FromKafka(rd_kafka_event_error(event.get()), name));
  const auto* const answered = rd_kafka_DeleteRecords_result_offsets(result);
  for (int i = 0; i < answered->cnt; ++i) {
    RETURN_IF_ERROR(FromKafka(answered->elems[i].err, "delete " + name));
  }
  return Status::Ok();
}

Status RealBroker::Produce(const std::string& topic,
                           const std::vector<KafkaRecord>& records,
                           TransactionEnd transaction,
                           const std::map<std::string, std::string>& more) {
  Properties properties = {{"enable.idempotence", "true"},
                           {"linger.ms", "5"},
                           {"message.max.bytes", "100000000"},
                           {"partitioner", "murmur2"}};
  const bool transactional = transaction != TransactionEnd::kNone;
  if (transactional) properties.emplace_back("transactional.id", topic);
  properties.insert(properties.end(), more.begin(), more.end());
  size_t undelivered = 0;
  const Handle handle =
      NewHandle(RD_KAFKA_PRODUCER, bootstrap(), properties, &undelivered);
  rd_kafka_t* const rk = handle.get();
  if (transactional) {
    RETURN_IF_ERROR(FromKafka(rd_kafka_init_transactions(rk, kCallMs), "init"));
    RETURN_IF_ERROR(FromKafka(rd_kafka_begin_transaction(rk), "begin"));
  }
  for (const KafkaRecord& record : records) {
    RETURN_IF_ERROR(ProduceOne(rk, topic, record));
  }
  RETURN_IF_ERROR(FromKafka(rd_kafka_flush(rk, kCallMs), "flush"));
  if (undelivered > 0) {
    return {StatusCode::kUnavailable,
            std::to_string(undelivered) + " records were not delivered"};
  }
  if (transaction == TransactionEnd::kCommit) {
    return FromKafka(rd_kafka_commit_transaction(rk, kCallMs), "commit");
  }
  if (transaction == TransactionEnd::kAbort) {
    return FromKafka(rd_kafka_abort_transaction(rk, kCallMs), "abort");
  }
  return Status::Ok();
}

Result<int32_t> RealBroker::PartitionCount(const std::string& topic) {
  const Handle handle = NewHandle(RD_KAFKA_PRODUCER, bootstrap(), {});
  Owned<rd_kafka_topic_t, rd_kafka_topic_destroy> ref(
      rd_kafka_topic_new(handle.get(), topic.c_str(), nullptr));
  const struct rd_kafka_metadata* metadata = nullptr;
  RETURN_IF_ERROR(FromKafka(
      rd_kafka_metadata(handle.get(), 0, ref.get(), &metadata, kCallMs),
      topic));
  const auto error = metadata->topics[0].err;
  const int32_t count = metadata->topics[0].partition_cnt;
  rd_kafka_metadata_destroy(metadata);
  RETURN_IF_ERROR(FromKafka(error, topic));
  return count;
}

Result<std::vector<KafkaRecord>> RealBroker::ConsumeAll(
    const std::string& topic, Isolation isolation) {
  ASSIGN_OR_RETURN(const int32_t partitions, PartitionCount(topic));
  const Handle handle = NewConsumer(bootstrap(), "consume-all", isolation);
  const Partitions list =
      AllPartitions(topic, partitions, RD_KAFKA_OFFSET_BEGINNING);
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_assign(handle.get(), list.get()), "assign"));
  std::vector<KafkaRecord> records;
  std::vector<bool> ended(static_cast<size_t>(partitions), false);
  const auto deadline = steady_clock::now() + kCallDeadline;
  while (std::find(ended.begin(), ended.end(), false) != ended.end()) {
    if (steady_clock::now() > deadline) {
      return Status(StatusCode::kUnavailable, topic + ": no end in sight");
    }
    const Message message(rd_kafka_consumer_poll(handle.get(), kPollMs));
    if (message == nullptr) continue;
    if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF) {
      ended[static_cast<size_t>(message->partition)] = true;
      continue;
    }
    RETURN_IF_ERROR(FromKafka(message->err, topic));
    records.push_back(ToRecord(message.get()));
  }
  std::stable_sort(records.begin(), records.end(),
                   [](const KafkaRecord& a, const KafkaRecord& b) {
                     return a.partition < b.partition;
                   });
  return records;
}

Result<std::map<int32_t, RealBroker::Committed>> RealBroker::CommittedOffsets(
    const std::string& group, const std::string& topic) {
  ASSIGN_OR_RETURN(const int32_t partitions, PartitionCount(topic));
  const Handle handle =
      NewConsumer(bootstrap(), group, Isolation::kUncommitted);
  const Partitions list =
      AllPartitions(topic, partitions, RD_KAFKA_OFFSET_INVALID);
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_committed(handle.get(), list.get(), kCallMs), group));
  std::map<int32_t, Committed> out;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& entry = list->elems[i];
    RETURN_IF_ERROR(FromKafka(entry.err, group));
    if (entry.offset < 0) continue;
    out[entry.partition] = {
        entry.offset, std::string(static_cast<const char*>(entry.metadata),
                                  entry.metadata_size)};
  }
  return out;
}

Result<std::vector<Offset>> RealBroker::EndOffsets(const std::string& topic,
                                                   Isolation isolation) {
  ASSIGN_OR_RETURN(const int32_t partitions, PartitionCount(topic));
  const Handle handle = NewConsumer(bootstrap(), "end-offsets", isolation);
  std::vector<Offset> ends;
  for (int32_t p = 0; p < partitions; ++p) {
    int64_t low = 0;
    int64_t high = 0;
    RETURN_IF_ERROR(
        FromKafka(rd_kafka_query_watermark_offsets(handle.get(), topic.c_str(),
                                                   p, &low, &high, kCallMs),
                  topic));
    ends.push_back(high);
  }
  return ends;
}

std::map<std::string, std::string>& BrokerTest::BrokerProperties() {
  static std::map<std::string, std::string> properties;
  return properties;
}

void BrokerTest::SetUp() {
  if (!RealBroker::Available()) {
    const char* const required = std::getenv("TACHO_REQUIRE_BROKER");
    const std::string reason = "no Java or no Kafka jars in " +
                               BrokerProcess::Libs() +
                               "; run tests/support/kafka/fetch";
    if (required != nullptr && std::string_view(required) == "1") {
      FAIL() << reason;
    }
    GTEST_SKIP() << reason;
  }
  static RealBroker shared(BrokerProperties());
  static const Status started = shared.Start();
  ASSERT_TRUE(started.ok()) << started.ToString();
  broker_ = &shared;
}

}  // namespace tacho
