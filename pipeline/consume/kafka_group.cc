#include "pipeline/consume/kafka_group.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>

#include "pipeline/base/log.h"
#include "pipeline/consume/kafka_reader.h"
#include "pipeline/kafka/group_metadata.h"
#include "pipeline/kafka/kafka_admin.h"

namespace tacho {
namespace {

using SteadyClock = std::chrono::steady_clock;

int Remaining(SteadyClock::time_point deadline) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
      deadline - SteadyClock::now());
  return std::max<int>(0, static_cast<int>(left.count()));
}

std::vector<TopicPartition> FromList(
    const rd_kafka_topic_partition_list_t* list) {
  std::vector<TopicPartition> out;
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    out.push_back({list->elems[i].topic, list->elems[i].partition});
  }
  return out;
}

KafkaPtr<rd_kafka_topic_partition_list_t> ToList(
    const std::vector<PartitionOffset>& offsets) {
  KafkaPtr<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const PartitionOffset& o : offsets) {
    rd_kafka_topic_partition_t* const added = rd_kafka_topic_partition_list_add(
        list.get(), o.tp.topic.c_str(), o.tp.partition);
    added->offset = o.offset;
    if (o.metadata.empty()) continue;
    // The list frees it with free().
    added->metadata = strdup(o.metadata.c_str());
    added->metadata_size = o.metadata.size();
  }
  return list;
}

// "cars/0 cars/3", for people.
std::string ListOf(const std::vector<TopicPartition>& partitions) {
  std::string text;
  for (const TopicPartition& tp : partitions) {
    text += (text.empty() ? "" : " ") + tp.ToString();
  }
  return text;
}

std::string MetadataOf(const rd_kafka_topic_partition_t& e) {
  if (e.metadata == nullptr) return {};
  return {static_cast<const char*>(e.metadata), e.metadata_size};
}

class KafkaGroup final : public MessageSource {
 public:
  KafkaGroup(KafkaGroupOptions options, KafkaPtr<rd_kafka_t> consumer)
      : options_(std::move(options)), consumer_(std::move(consumer)) {
    rd_kafka_poll_set_consumer(consumer_.get());
    events_.reset(rd_kafka_queue_get_consumer(consumer_.get()));
  }
  ~KafkaGroup() override { Close(false); }

  Status Start(GroupListener& listener) override {
    listener_ = &listener;
    std::vector<TopicPartition> topics;
    for (const std::string& topic : options_.topics) {
      topics.push_back({topic, RD_KAFKA_PARTITION_UA});
    }
    const auto list = MakeTopicList(topics);
    RETURN_IF_ERROR(FromKafka(rd_kafka_subscribe(consumer_.get(), list.get()),
                              "subscribe, group " + options_.group_id));
    thread_ = std::thread([this] { PollEvents(); });
    return Status::Ok();
  }

  Result<std::map<std::string, int32_t>> PartitionCounts(
      std::chrono::milliseconds timeout) override {
    const auto deadline = SteadyClock::now() + timeout;
    std::map<std::string, int32_t> counts;
    for (const std::string& topic : options_.topics) {
      ASSIGN_OR_RETURN(counts[topic],
                       KafkaPartitionCount(consumer_.get(), topic,
                                           std::max(1, Remaining(deadline))));
    }
    return counts;
  }

  Result<std::vector<PartitionOffset>> Committed(
      const std::vector<TopicPartition>& partitions,
      std::chrono::milliseconds timeout) override {
    const auto list = MakeTopicList(partitions);
    RETURN_IF_ERROR(
        FromKafka(rd_kafka_committed(consumer_.get(), list.get(),
                                     static_cast<int>(timeout.count())),
                  "committed offsets of group " + options_.group_id));
    std::vector<PartitionOffset> out;
    for (int i = 0; i < list->cnt; ++i) {
      const rd_kafka_topic_partition_t& e = list->elems[i];
      RETURN_IF_ERROR(FromKafka(e.err, "committed offset of " +
                                           std::string(e.topic) + "/" +
                                           std::to_string(e.partition)));
      out.push_back({{e.topic, e.partition},
                     e.offset < 0 ? kNoOffset : e.offset,
                     MetadataOf(e)});
    }
    return out;
  }

  Result<std::pair<Offset, Offset>> LogRange(
      const TopicPartition& tp, std::chrono::milliseconds timeout) override {
    int64_t low = 0;
    int64_t high = 0;
    RETURN_IF_ERROR(FromKafkaPartition(
        rd_kafka_query_watermark_offsets(consumer_.get(), tp.topic.c_str(),
                                         tp.partition, &low, &high,
                                         static_cast<int>(timeout.count())),
        "log range of " + tp.ToString()));
    return std::pair<Offset, Offset>(low, high);
  }

  Result<LogEnd> End(const TopicPartition& tp,
                     std::chrono::milliseconds timeout) override;

  std::unique_ptr<PartitionReader> MakeReader(
      const TopicPartition& tp) override {
    return MakeKafkaReader(consumer_.get(), tp);
  }

  Status Assign(const std::vector<TopicPartition>& partitions) override;
  Status Seek(const TopicPartition& tp, Offset offset) override;

  Status Unassign() override {
    assigned_ = false;
    return FromKafka(rd_kafka_assign(consumer_.get(), nullptr), "unassign");
  }

  Status CommitOffsets(const std::vector<PartitionOffset>& offsets,
                       std::chrono::milliseconds timeout) override;

  void Close(bool leave) override;

 private:
  void PollEvents();
  void OnEvent(rd_kafka_event_t& event);
  void OnRebalance(rd_kafka_event_t& event);
  void OnError(rd_kafka_event_t& event);
  GroupMembership Membership() const;
  void PollUntilClosed();

  const KafkaGroupOptions options_;
  KafkaPtr<rd_kafka_t> consumer_;
  KafkaPtr<rd_kafka_queue_t> events_;
  std::unique_ptr<KafkaAdmin> admin_;  // From the first End on.
  GroupListener* listener_ = nullptr;
  std::thread thread_;
  std::atomic<bool> closing_{false};
  std::atomic<bool> stop_polling_{false};
  std::atomic<bool> assigned_{false};
  std::atomic<bool> closed_{false};
};

// A consumer is told one of the two, by its isolation level: ours the last
// stable offset, the admin's the high watermark.
Result<LogEnd> KafkaGroup::End(const TopicPartition& tp,
                               std::chrono::milliseconds timeout) {
  const auto deadline = SteadyClock::now() + timeout;
  ASSIGN_OR_RETURN(const auto stable, LogRange(tp, timeout));
  if (admin_ == nullptr) {
    ASSIGN_OR_RETURN(admin_, KafkaAdmin::Open(options_.properties));
  }
  ASSIGN_OR_RETURN(const auto whole,
                   admin_->LogRange(tp, Millis(Remaining(deadline))));
  return LogEnd{stable.second, whole.second};
}

// A place that nothing is fetched from, because the partitions are paused until
// Seek. Not a logical one such as the log's end: if a seek comes while it is
// looked up, librdkafka looks it up again half a second later and goes on from
// there (2.0.2, rd_kafka_toppar_handle_Offset: outdated), so that what lies
// between is never delivered.
Status KafkaGroup::Assign(const std::vector<TopicPartition>& partitions) {
  const auto list = MakeTopicList(partitions);
  RETURN_IF_ERROR(FromKafka(
      rd_kafka_pause_partitions(consumer_.get(), list.get()), "pause"));
  for (int i = 0; i < list->cnt; ++i) {
    RETURN_IF_ERROR(FromKafka(list->elems[i].err, "pause"));
    list->elems[i].offset = 0;
  }
  return FromKafka(rd_kafka_assign(consumer_.get(), list.get()), "assign");
}

Status KafkaGroup::Seek(const TopicPartition& tp, Offset offset) {
  const auto list = ToList({{tp, offset}});
  // No time limit: 2.0.2 takes it for microseconds, and only librdkafka's own
  // thread is waited for.
  const KafkaPtr<rd_kafka_error_t> error(
      rd_kafka_seek_partitions(consumer_.get(), list.get(), -1));
  const std::string what =
      "seek " + tp.ToString() + " to " + std::to_string(offset);
  if (error != nullptr) {
    return FromKafka(rd_kafka_error_code(error.get()), what);
  }
  // Not started yet, or still being stopped from an assignment before.
  RETURN_IF_ERROR(FromKafka(list->elems[0].err, what));
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_resume_partitions(consumer_.get(), list.get()), what));
  return FromKafka(list->elems[0].err, what);
}

Status KafkaGroup::CommitOffsets(const std::vector<PartitionOffset>& offsets,
                                 std::chrono::milliseconds timeout) {
  const auto list = ToList(offsets);
  // rd_kafka_commit waits without a time limit; a queue of our own has one.
  KafkaPtr<rd_kafka_queue_t> reply(rd_kafka_queue_new(consumer_.get()));
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_commit_queue(consumer_.get(), list.get(), reply.get(),
                                      nullptr, nullptr),
                "commit offsets"));
  KafkaPtr<rd_kafka_event_t> event(
      rd_kafka_queue_poll(reply.get(), static_cast<int>(timeout.count())));
  if (event == nullptr) {
    return {StatusCode::kUnavailable,
            "commit offsets: no answer from the group's coordinator within " +
                std::to_string(timeout.count()) + " ms",
            true};
  }
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_event_error(event.get()), "commit offsets"));
  const auto* answered = rd_kafka_event_topic_partition_list(event.get());
  for (int i = 0; answered != nullptr && i < answered->cnt; ++i) {
    const rd_kafka_topic_partition_t& e = answered->elems[i];
    RETURN_IF_ERROR(
        FromKafka(e.err, "commit offset " + std::to_string(e.offset) + " of " +
                             e.topic + "/" + std::to_string(e.partition)));
  }
  return Status::Ok();
}

void KafkaGroup::PollEvents() {
  while (!stop_polling_.load(std::memory_order_acquire)) {
    KafkaPtr<rd_kafka_event_t> event(rd_kafka_queue_poll(events_.get(), 100));
    if (event != nullptr) OnEvent(*event);
  }
}

void KafkaGroup::OnEvent(rd_kafka_event_t& event) {
  switch (rd_kafka_event_type(&event)) {
    case RD_KAFKA_EVENT_REBALANCE:
      OnRebalance(event);
      break;
    case RD_KAFKA_EVENT_ERROR:
      OnError(event);
      break;
    default:
      break;
  }
}

void KafkaGroup::OnRebalance(rd_kafka_event_t& event) {
  // Read first: any assign call resets it.
  const bool lost = rd_kafka_assignment_lost(consumer_.get()) != 0;
  const bool assign =
      rd_kafka_event_error(&event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  std::vector<TopicPartition> partitions =
      FromList(rd_kafka_event_topic_partition_list(&event));
  if (closing_.load(std::memory_order_acquire)) {
    // The worker has committed and let go of its lanes.
    rd_kafka_assign(consumer_.get(), nullptr);
    assigned_ = false;
    return;
  }
  assigned_ = assign;
  if (assign) {
    GroupMembership membership = Membership();
    LOG(kInfo, "partitions_assigned",
        {{"group", options_.group_id},
         {"count", partitions.size()},
         {"partitions", ListOf(partitions)},
         {"generation", membership.generation},
         {"member", membership.member_id}});
    listener_->OnAssign(std::move(partitions), std::move(membership));
  } else {
    LOG(kInfo, "partitions_revoked",
        {{"group", options_.group_id},
         {"count", partitions.size()},
         {"lost", lost}});
    listener_->OnRevoke(std::move(partitions), lost);
  }
}

GroupMembership KafkaGroup::Membership() const {
  rd_kafka_consumer_group_metadata_t* const metadata =
      rd_kafka_consumer_group_metadata(consumer_.get());
  if (metadata == nullptr) return {};
  const Result<GroupMembership> membership = ReadGroupMetadata(metadata);
  rd_kafka_consumer_group_metadata_destroy(metadata);
  if (membership.ok()) return *membership;
  LOG(kError, "group_metadata_unreadable",
      {{"reason", membership.status().message()}});
  return {};
}

void KafkaGroup::OnError(rd_kafka_event_t& event) {
  const rd_kafka_resp_err_t error = rd_kafka_event_error(&event);
  const char* const text = rd_kafka_event_error_string(&event);
  if (error == RD_KAFKA_RESP_ERR__FATAL) {
    char reason[512] = "";
    const rd_kafka_resp_err_t cause =
        rd_kafka_fatal_error(consumer_.get(), reason, sizeof reason);
    listener_->OnSourceFailed(
        {StatusCode::kInternal, "Kafka consumer: " + std::string(reason) +
                                    " (" + rd_kafka_err2name(cause) + ")"});
    return;
  }
  const Status status = FromKafka(error, text);
  if (status.code() == StatusCode::kPermission ||
      status.code() == StatusCode::kNotFound ||
      error == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
    listener_->OnSourceFailed(status);
    return;
  }
  LOG(kWarn, "kafka_error", {{"text", text}});
}

void KafkaGroup::Close(bool leave) {
  if (closed_.exchange(true)) return;
  closing_.store(true, std::memory_order_release);
  const auto deadline = SteadyClock::now() + options_.close_timeout;
  const bool is_static = !options_.instance_id.empty();
  if (leave && is_static && thread_.joinable()) {
    // A static member sends LeaveGroup only from unsubscribe, and only before
    // close; the revoke in between must have been answered.
    rd_kafka_unsubscribe(consumer_.get());
    while (assigned_ && SteadyClock::now() < deadline) {
      std::this_thread::yield();
    }
  }
  stop_polling_.store(true, std::memory_order_release);
  if (thread_.joinable()) thread_.join();
  PollUntilClosed();
}

void KafkaGroup::PollUntilClosed() {
  const auto deadline = SteadyClock::now() + options_.close_timeout;
  events_.reset();
  KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(consumer_.get()));
  KafkaPtr<rd_kafka_error_t> error(
      rd_kafka_consumer_close_queue(consumer_.get(), queue.get()));
  while (error == nullptr && rd_kafka_consumer_closed(consumer_.get()) == 0 &&
         SteadyClock::now() < deadline) {
    KafkaPtr<rd_kafka_event_t> event(rd_kafka_queue_poll(queue.get(), 100));
    if (event != nullptr &&
        rd_kafka_event_type(event.get()) == RD_KAFKA_EVENT_REBALANCE) {
      rd_kafka_assign(consumer_.get(), nullptr);
    }
  }
  queue.reset();
  if (rd_kafka_consumer_closed(consumer_.get()) == 0) {
    // librdkafka has known hangs here (#4527, #4724): everything is committed,
    // so the handle is left to the end of the process.
    LOG(kWarn, "kafka_close_timeout", {{"group", options_.group_id}});
    consumer_.release();
    return;
  }
  consumer_.reset();
}

std::string MillisText(Millis ms) { return std::to_string(ms.count()); }

}  // namespace

KafkaProperties KafkaConsumerProperties(const KafkaGroupOptions& options) {
  KafkaProperties p =
      FetchProperties(options.queue_bytes, options.partitions_per_worker);
  p.emplace_back("client.id", "tacho");
  p.emplace_back("fetch.wait.max.ms", "100");
  p.emplace_back("topic.metadata.refresh.interval.ms", "30000");
  p.insert(p.end(), options.properties.begin(), options.properties.end());
  const KafkaProperties owned = {
      {"group.id", options.group_id},
      {"session.timeout.ms", MillisText(options.session_timeout)},
      {"heartbeat.interval.ms", MillisText(options.heartbeat_interval)},
      {"max.poll.interval.ms", MillisText(options.max_poll_interval)},
      {"partition.assignment.strategy", options.assignment},
  };
  const KafkaProperties offsets = ExplicitOffsetProperties();
  p.insert(p.end(), offsets.begin(), offsets.end());
  p.insert(p.end(), owned.begin(), owned.end());
  if (!options.instance_id.empty()) {
    p.emplace_back("group.instance.id", options.instance_id);
  }
  return p;
}

Result<std::unique_ptr<MessageSource>> MakeKafkaGroup(
    KafkaGroupOptions options) {
  const KafkaProperties optional = {{"fetch.queue.backoff.ms", "20"},
                                    {"enable.metrics.push", "false"}};
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf,
                   MakeKafkaConf(KafkaConsumerProperties(options), optional));
  rd_kafka_conf_set_events(conf.get(),
                           RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR);
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_t> consumer,
                   MakeKafkaConsumer(std::move(conf)));
  return std::unique_ptr<MessageSource>(
      std::make_unique<KafkaGroup>(std::move(options), std::move(consumer)));
}

}  // namespace tacho
