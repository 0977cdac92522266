#include "pipeline/commit/kafka_producer.h"

#include <librdkafka/rdkafka.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <string>
#include <utility>

#include "pipeline/base/check.h"
#include "pipeline/base/log.h"
#include "pipeline/kafka/kafka_commands.h"

namespace tacho {
namespace {

using std::chrono::steady_clock;

constexpr int kMetadataMs = 5000;
constexpr int kRoomPollMs = 10;
// For what is in flight to come back; the rest goes with the handle.
constexpr Millis kPurgeTimeout{2000};
constexpr size_t kKilobyte = 1024;

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
    StampLimits stamps;
  };

  KafkaProperties properties;  // For the commands in messages.
  // Before the handle: it closes connections while it is destroyed.
  std::atomic<uint64_t> closed_connections{0};
  KafkaPtr<rd_kafka_t> producer;
  std::vector<Output> outputs;  // By SinkId.
  steady_clock::time_point cycle_end;
  uint64_t clamped_stamps = 0;
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
    // The first, unless a later one says what no retry will change.
    const bool first = self->failed++ == 0;
    if (!first && (!Passes(self->first_error) || Passes(message->err))) return;
    self->first_error = message->err;
    self->first_topic = rd_kafka_topic_name(message->rkt);
  }

  static bool Passes(int error) {
    return IsRetryable(KafkaVerdictOf(error, KafkaTask::kWrite));
  }

  // For people only: an error that repeats within 30 s is not told.
  static void OnError(rd_kafka_t* /*producer*/, int error, const char* reason,
                      void* /*opaque*/) {
    LOG(kWarn, "producer_error",
        {{"error", rd_kafka_err2name(static_cast<rd_kafka_resp_err_t>(error))},
         {"reason", reason}});
  }

  // Called on librdkafka's broker threads, before what was under way on the
  // connection is sent again (rd_kafka_broker_fail).
  static int OnClose(int socket, void* opaque) {
    static_cast<Impl*>(opaque)->closed_connections.fetch_add(
        1, std::memory_order_acq_rel);
    return ::close(socket);
  }

  Status OpenSinks(const KafkaOutputOptions& options, Millis timeout,
                   bool seen);
  rd_kafka_topic_t* Changelog(const std::string& topic);
  Status ProduceChange(rd_kafka_topic_t* topic, int32_t partition,
                       std::string_view key, std::string_view value,
                       Offset* next);
  // After a refusal of so many bytes for want of room: waits a moment, unless
  // the cycle is over or no waiting will help.
  Status AwaitRoom(const char* topic, size_t bytes);
  void Purge();

  std::map<std::string, KafkaPtr<rd_kafka_topic_t>> changelogs;
};

KafkaProducer::KafkaProducer(std::unique_ptr<Impl> impl)
    : impl_(std::move(impl)) {}

KafkaProducer::~KafkaProducer() { impl_->Purge(); }

Result<std::unique_ptr<KafkaProducer>> KafkaProducer::Open(
    const KafkaOutputOptions& options, const KafkaProperties& owned,
    Millis timeout, bool seen) {
  KafkaProperties all = {
      {"client.id", "tacho"},
      {"linger.ms", "5"},
      {"compression.type", "lz4"},
      // Topic limits are obeyed where outputs are made.
      {"message.max.bytes", "100000000"},
      {"queue.buffering.max.messages", std::to_string(options.queue_messages)},
      {"queue.buffering.max.kbytes",
       std::to_string(std::max<size_t>(1, options.queue_bytes / kKilobyte))},
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
  rd_kafka_conf_set_closesocket_cb(conf.get(), &Impl::OnClose);
  ASSIGN_OR_RETURN(impl->producer, MakeKafkaProducer(std::move(conf)));
  RETURN_IF_ERROR(impl->OpenSinks(options, timeout, seen));
  return std::unique_ptr<KafkaProducer>(new KafkaProducer(std::move(impl)));
}

Status KafkaProducer::Impl::OpenSinks(const KafkaOutputOptions& options,
                                      Millis timeout, bool seen) {
  for (const Sink& sink : options.sinks) {
    Result<int32_t> count = KafkaPartitionCount(
        producer.get(), sink.topic, static_cast<int>(timeout.count()));
    if (!count.ok() && count.status().code() == StatusCode::kNotFound) {
      return {StatusCode::kNotFound,
              "output topic " + sink.topic + " does not exist; create it: " +
                  CreateTopicCommand(
                      options.properties, sink.topic,
                      std::to_string(std::max(1, options.input_partitions))),
              /*retryable=*/seen};
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
    output.stamps = sink.stamps;
    outputs.push_back(std::move(output));
  }
  return Status::Ok();
}

void KafkaProducer::BeginCycle(Millis timeout) {
  impl_->cycle_end = steady_clock::now() + timeout;
  // Reports of an epoch that was given up.
  rd_kafka_poll(impl_->producer.get(), 0);
  impl_->failed = 0;
}

Status KafkaProducer::Impl::AwaitRoom(const char* topic, size_t bytes) {
  if (rd_kafka_outq_len(producer.get()) == 0) {
    return InvalidArgument(
        std::string("produce to topic ") + topic + ": a message of " +
        std::to_string(bytes) +
        " bytes does not fit the client's queue, empty as it is; raise "
        "memory.limit, or kafka.queue.buffering.max.kbytes");
  }
  if (steady_clock::now() >= cycle_end) {
    return {StatusCode::kUnavailable,
            std::string("produce to topic ") + topic +
                ": the client's queue stayed full until the end of the "
                "commit's time; the brokers do not take what is written as "
                "fast as it comes",
            /*retryable=*/true};
  }
  rd_kafka_poll(producer.get(), kRoomPollMs);
  return Status::Ok();
}

Status KafkaProducer::Produce(const LaneEpoch& part) {
  const Timestamp now =
      std::chrono::time_point_cast<Millis>(std::chrono::system_clock::now());
  size_t produced = 0;
  for (const OutputRecord& record : part.outputs.records()) {
    RETURN_IF_ERROR(ProduceOne(part, record, now));
    if (++produced % 1024 == 0) rd_kafka_poll(impl_->producer.get(), 0);
  }
  return Status::Ok();
}

Status KafkaProducer::ProduceOne(const LaneEpoch& part,
                                 const OutputRecord& record, Timestamp now) {
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
  const int32_t partition =
      output.partitions == part.marker.lane.input_partitions
          ? part.tp.partition
          : RD_KAFKA_PARTITION_UA;
  int64_t timestamp = 0;  // librdkafka stamps now.
  if (output.log_time_stamps && record.log_time != kNoLogTime) {
    const Timestamp stamp = ClampStamp(record.log_time, now, output.stamps);
    if (stamp != record.log_time) ++impl_->clamped_stamps;
    timestamp = ToEpochMillis(stamp);
  }
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
      return FromKafka(error,
                       "produce to topic " +
                           std::string(rd_kafka_topic_name(output.topic.get())),
                       KafkaTask::kWrite);
    }
    RETURN_IF_ERROR(
        impl_->AwaitRoom(rd_kafka_topic_name(output.topic.get()), bytes));
  }
}

Status KafkaProducer::ProduceChangelog(LaneEpoch& part,
                                       const std::string& topic) {
  rd_kafka_topic_t* const changelog = impl_->Changelog(topic);
  if (changelog == nullptr) {
    return FromKafka(rd_kafka_last_error(), "changelog " + topic);
  }
  part.changelog_floor = part.marker.changelog_next;
  part.changelog_first = kNoOffset;
  Offset* first = &part.changelog_first;
  if (part.begins_log) {
    part.identity.clear();
    AppendChangelogIdentity(part.identity, part.marker.log_id);
    RETURN_IF_ERROR(impl_->ProduceChange(
        changelog, part.tp.partition, ChangelogIdentityKey(),
        {part.identity.data(), part.identity.size()}, first));
    first = nullptr;
  }
  size_t produced = 0;
  for (const StateChanges::Change& change : part.changes.changes()) {
    RETURN_IF_ERROR(impl_->ProduceChange(
        changelog, part.tp.partition, part.changes.ChangelogKey(change),
        part.changes.ChangelogValue(change), std::exchange(first, nullptr)));
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
      const Status counted =
          KafkaPartitionCount(producer.get(), name, kMetadataMs).status();
      if (counted.ok()) continue;
      // Its lane was restored from it: it is there.
      if (counted.code() != StatusCode::kNotFound) return counted;
      return {counted.code(), "changelog " + counted.message(),
              /*retryable=*/true};
    }
    if (error != RD_KAFKA_RESP_ERR__QUEUE_FULL) {
      return FromKafka(error, std::string("produce to changelog ") + name,
                       KafkaTask::kWrite);
    }
    RETURN_IF_ERROR(AwaitRoom(name, key.size() + value.size()));
  }
}

uint64_t KafkaProducer::closed_connections() const {
  return impl_->closed_connections.load(std::memory_order_acquire);
}

uint64_t KafkaProducer::clamped_stamps() const { return impl_->clamped_stamps; }

rd_kafka_t* KafkaProducer::handle() const { return impl_->producer.get(); }

Status KafkaProducer::WaitDelivered(Millis timeout) {
  const rd_kafka_resp_err_t error =
      rd_kafka_flush(impl_->producer.get(), static_cast<int>(timeout.count()));
  if (error != RD_KAFKA_RESP_ERR_NO_ERROR) {
    return FromKafka(error,
                     "outputs were not acknowledged within " +
                         std::to_string(timeout.count()) + " ms",
                     KafkaTask::kWrite);
  }
  if (impl_->failed == 0) return Status::Ok();
  const std::string count = std::to_string(std::exchange(impl_->failed, 0));
  const Status status = FromKafka(
      impl_->first_error,
      count + " outputs were not written, first to topic " + impl_->first_topic,
      KafkaTask::kWrite);
  if (status.code() != StatusCode::kPermission) return status;
  return {status.code(), status.message() + "; grant it: " +
                             GrantCommand(impl_->properties, "Write",
                                          "--topic " + impl_->first_topic)};
}

// Purged messages come back as failed deliveries; only then is their memory
// not referred to any more. What has not come back by the deadline is given
// back by the handle's destruction.
void KafkaProducer::Impl::Purge() {
  if (producer == nullptr || rd_kafka_outq_len(producer.get()) == 0) return;
  rd_kafka_purge(producer.get(),
                 RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
  const auto deadline = steady_clock::now() + kPurgeTimeout;
  while (rd_kafka_outq_len(producer.get()) > 0 &&
         steady_clock::now() < deadline) {
    rd_kafka_poll(producer.get(), kRoomPollMs);
  }
}

}  // namespace tacho
