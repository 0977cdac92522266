#include "pipeline/commit/kafka_producer.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "pipeline/base/check.h"
#include "pipeline/base/log.h"
#include "pipeline/kafka/kafka_commands.h"

namespace tacho {
namespace {

constexpr int kMetadataMs = 5000;

struct HeadersDeleter {
  void operator()(rd_kafka_headers_t* p) const { rd_kafka_headers_destroy(p); }
};
using Headers = std::unique_ptr<rd_kafka_headers_t, HeadersDeleter>;

Headers MakeHeaders(std::string_view encoded) {
  if (encoded.empty()) return nullptr;
  Headers headers(rd_kafka_headers_new(8));
  std::string_view name;
  std::string_view value;
  while (NextHeader(encoded, name, value)) {
    rd_kafka_header_add(headers.get(), name.data(),
                        static_cast<ssize_t>(name.size()), value.data(),
                        static_cast<ssize_t>(value.size()));
  }
  return headers;
}

// Batch and record framing of one message.
constexpr size_t kFramingBytes = 128;

// The job's own batch.size, or the default, unless a topic takes less.
std::string BatchBytes(const KafkaOutputOptions& options) {
  size_t bytes = 1000000;
  for (const auto& [name, value] : options.properties) {
    if (name == "batch.size") bytes = std::strtoull(value.c_str(), nullptr, 10);
  }
  return std::to_string(
      std::max<size_t>(1, std::min(bytes, options.batch_bytes)));
}

}  // namespace

struct KafkaProducer::Impl {
  struct Output {
    KafkaPtr<rd_kafka_topic_t> topic;
    int32_t partitions = 0;
    bool log_time_stamps = false;
    size_t message_bytes = 0;
  };

  KafkaProperties properties;  // For the commands in messages.
  KafkaPtr<rd_kafka_t> producer;
  std::vector<Output> outputs;  // By SinkId.
  bool disturbed = false;
  uint64_t failed = 0;
  rd_kafka_resp_err_t first_error = RD_KAFKA_RESP_ERR_NO_ERROR;
  std::string first_topic;

  static void OnDelivery(rd_kafka_t* /*producer*/,
                         const rd_kafka_message_t* message, void* opaque) {
    auto* self = static_cast<Impl*>(opaque);
    if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      // A retry that the broker had already has no offset in its report.
      auto* const next = static_cast<Offset*>(message->_private);
      if (next != nullptr && message->offset >= 0) *next = message->offset + 1;
      return;
    }
    if (self->failed++ > 0) return;
    self->first_error = message->err;
    self->first_topic = rd_kafka_topic_name(message->rkt);
  }

  // Called from rd_kafka_poll and rd_kafka_flush, so on the committer's thread.
  static void OnError(rd_kafka_t* /*producer*/, int error, const char* reason,
                      void* opaque) {
    LOG(kWarn, "producer_error",
        {{"error", rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(error))},
         {"reason", reason}});
    static_cast<Impl*>(opaque)->disturbed = true;
  }

  Status OpenSinks(const KafkaOutputOptions& options, Millis timeout);
  rd_kafka_topic_t* Changelog(const std::string& topic);
  Status ProduceChange(rd_kafka_topic_t* topic, int32_t partition,
                       std::string_view key, std::string_view value,
                       Offset* next);

  std::map<std::string, KafkaPtr<rd_kafka_topic_t>> changelogs;
};

KafkaProducer::KafkaProducer(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

KafkaProducer::~KafkaProducer() { Purge(); }

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::Open(
    const KafkaOutputOptions& options, const KafkaProperties& owned,
    Millis timeout) {
  KafkaProperties all = {{"client.id", "tacho"},
                         {"linger.ms", "5"},
                         {"compression.type", "lz4"},
                         // Topic limits are obeyed where outputs are made.
                         {"message.max.bytes", "100000000"},
                         {"queue.buffering.max.messages", "1000000"},
                         {"queue.buffering.max.kbytes", "1048576"},
                         {"socket.nagle.disable", "true"},
                         {"socket.keepalive.enable", "true"}};
  all.insert(all.end(), options.properties.begin(), options.properties.end());
  all.emplace_back("batch.size", BatchBytes(options));
  all.emplace_back("partitioner", "murmur2");
  all.emplace_back("allow.auto.create.topics", "false");
  all.insert(all.end(), owned.begin(), owned.end());
  // A job's consumer-only properties are not the producer's business; its
  // librdkafka warns about them and goes on.
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf, MakeKafkaConf(all));
  auto impl = std::make_unique<Impl>();
  impl->properties = options.properties;
  rd_kafka_conf_set_opaque(conf.get(), impl.get());
  rd_kafka_conf_set_dr_msg_cb(conf.get(), &Impl::OnDelivery);
  rd_kafka_conf_set_error_cb(conf.get(), &Impl::OnError);
  ASSIGN_OR_RETURN(impl->producer, MakeKafkaProducer(std::move(conf)));
  RETURN_IF_ERROR(impl->OpenSinks(options, timeout));
  return std::unique_ptr<KafkaProducer>(new KafkaProducer(std::move(impl)));
}

Status KafkaProducer::Impl::OpenSinks(const KafkaOutputOptions& options,
                                      Millis timeout) {
  for (const Sink& sink : options.sinks) {
    Result<int32_t> count = KafkaPartitionCount(
        producer.get(), sink.topic, static_cast<int>(timeout.count()));
    if (!count.ok() && count.status().code() == StatusCode::kNotFound) {
      return {StatusCode::kNotFound,
              "output topic " + sink.topic + " does not exist; create it: " +
                  CreateTopicCommand(
                      options.properties, sink.topic,
                      std::to_string(std::max(1, options.input_partitions)))};
    }
    if (!count.ok()) return count.status();
    Output output;
    output.topic.reset(
        rd_kafka_topic_new(producer.get(), sink.topic.c_str(), nullptr));
    if (output.topic == nullptr) {
      return FromKafka(rd_kafka_last_error(), "output topic " + sink.topic);
    }
    output.partitions = *count;
    output.log_time_stamps = sink.log_time_stamps;
    output.message_bytes = sink.message_bytes;
    outputs.push_back(std::move(output));
  }
  return Status::Ok();
}

Status KafkaProducer::Produce(const LaneEpoch& part) {
  size_t produced = 0;
  for (const OutputRecord& record : part.outputs.records()) {
    RETURN_IF_ERROR(ProduceOne(part, record));
    if (++produced % 1024 == 0) rd_kafka_poll(impl_->producer.get(), 0);
  }
  return Status::Ok();
}

Status KafkaProducer::ProduceOne(const LaneEpoch& part,
                                 const OutputRecord& record) {
  CHECK(record.sink < impl_->outputs.size());
  const Impl::Output& output = impl_->outputs[record.sink];
  const std::string_view key = part.outputs.Key(record);
  const std::string_view value = part.outputs.Value(record);
  const std::string_view encoded = part.outputs.Headers(record);
  const size_t bytes = key.size() + value.size() + encoded.size();
  if (output.message_bytes > 0 &&
      bytes + kFramingBytes > output.message_bytes) {
    const std::string topic = rd_kafka_topic_name(output.topic.get());
    return InvalidArgument(
        "a result of " + std::to_string(bytes) + " bytes for topic " + topic +
        " exceeds its max.message.bytes=" +
        std::to_string(output.message_bytes) + "; raise it: " +
        AlterTopicCommand(
            impl_->properties, topic,
            "max.message.bytes=" + std::to_string(bytes + kFramingBytes)));
  }
  Headers headers = MakeHeaders(encoded);
  // The input's partition where counts match, else by murmur2 of the key.
  const int32_t partition = output.partitions == part.marker.input_partitions
                                ? part.tp.partition
                                : RD_KAFKA_PARTITION_UA;
  const int64_t timestamp =
      output.log_time_stamps && record.log_time != kNoLogTime
          ? ToEpochMillis(record.log_time)
          : 0;  // librdkafka stamps now.
  while (true) {
    // No F_COPY, no F_FREE: the value stays in the epoch until delivered.
    const rd_kafka_resp_err_t error = rd_kafka_producev(
        impl_->producer.get(), RD_KAFKA_V_RKT(output.topic.get()),
        RD_KAFKA_V_PARTITION(partition), RD_KAFKA_V_MSGFLAGS(0),
        RD_KAFKA_V_KEY(record.null_key ? nullptr : key.data(), key.size()),
        RD_KAFKA_V_VALUE(
            record.null_value ? nullptr : const_cast<char*>(value.data()),
            value.size()),
        RD_KAFKA_V_TIMESTAMP(timestamp), RD_KAFKA_V_HEADERS(headers.get()),
        RD_KAFKA_V_END);
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) {
      headers.release();  // The message owns them.
      return Status::Ok();
    }
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return FromKafka(
          error, "produce to topic " +
                     std::string(rd_kafka_topic_name(output.topic.get())));
    }
    rd_kafka_poll(impl_->producer.get(), 10);
  }
}

Status KafkaProducer::ProduceChangelog(LaneEpoch& part,
                                       const std::string& topic) {
  rd_kafka_topic_t* const changelog = impl_->Changelog(topic);
  if (changelog == nullptr) {
    return FromKafka(rd_kafka_last_error(), "changelog " + topic);
  }
  size_t produced = 0;
  for (const StateChanges::Change& change : part.changes.changes()) {
    RETURN_IF_ERROR(impl_->ProduceChange(
        changelog, part.tp.partition, part.changes.ChangelogKey(change),
        part.changes.ChangelogValue(change), nullptr));
    if (++produced % 1024 == 0) rd_kafka_poll(impl_->producer.get(), 0);
  }
  // Last: whoever reads it has read all of the epoch.
  part.meta.clear();
  EncodeMetaRecord(part.marker, part.meta);
  return impl_->ProduceChange(changelog, part.tp.partition, ChangelogMetaKey(),
                              {part.meta.data(), part.meta.size()},
                              &part.marker.changelog_next);
}

rd_kafka_topic_t* KafkaProducer::Impl::Changelog(const std::string& topic) {
  auto& handle = changelogs[topic];
  if (handle == nullptr) {
    handle.reset(rd_kafka_topic_new(producer.get(), topic.c_str(), nullptr));
  }
  return handle.get();
}

Status KafkaProducer::Impl::ProduceChange(rd_kafka_topic_t* topic,
                                          int32_t partition,
                                          std::string_view key,
                                          std::string_view value,
                                          Offset* next) {
  const char* const name = rd_kafka_topic_name(topic);
  bool asked = false;
  while (true) {
    if (rd_kafka_produce(topic, partition, 0, const_cast<char*>(value.data()),
                         value.size(), key.data(), key.size(), next) == 0) {
      return Status::Ok();
    }
    const rd_kafka_resp_err_t error = rd_kafka_last_error();
    if (error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION && !asked) {
      // It has grown with its input since this handle last looked; the answer
      // is what the next try goes by.
      asked = true;
      RETURN_IF_ERROR(
          KafkaPartitionCount(producer.get(), name, kMetadataMs).status());
      continue;
    }
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return FromKafka(error, std::string("produce to changelog ") + name);
    }
    rd_kafka_poll(producer.get(), 10);
  }
}

bool KafkaProducer::TakeDisturbance() {
  rd_kafka_poll(impl_->producer.get(), 0);
  return std::exchange(impl_->disturbed, false);
}

rd_kafka_t* KafkaProducer::handle() const { return impl_->producer.get(); }

Status KafkaProducer::WaitDelivered(Millis timeout) {
  const rd_kafka_resp_err_t error =
      rd_kafka_flush(impl_->producer.get(), static_cast<int>(timeout.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    Purge();
    return FromKafka(error, "outputs were not acknowledged within " +
                                std::to_string(timeout.count()) + " ms");
  }
  if (impl_->failed == 0) return Status::Ok();
  const std::string count = std::to_string(std::exchange(impl_->failed, 0));
  const Status status =
      FromKafka(impl_->first_error, count +
                                        " outputs were not written, first "
                                        "to topic " +
                                        impl_->first_topic);
  if (status.code() != StatusCode::kPermission) return status;
  return {status.code(), status.message() + "; grant it: " +
                             GrantCommand(impl_->properties, "Write",
                                          "--topic " + impl_->first_topic)};
}

void KafkaProducer::Purge() {
  rd_kafka_t* const producer = impl_->producer.get();
  impl_->failed = 0;
  if (producer == nullptr || rd_kafka_outq_len(producer) == 0) return;
  rd_kafka_purge(producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  // Purged messages come back as failed deliveries; only then is their memory
  // ours again.
  while (rd_kafka_outq_len(producer) > 0) rd_kafka_poll(producer, 100);
  impl_->failed = 0;
}

}  // namespace tacho
