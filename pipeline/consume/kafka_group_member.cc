#include "pipeline/consume/kafka_group_member.h"

#include <librdkafka/rdkafka.h>

#include <atomic>
#include <thread>
#include <utility>

#include "pipeline/base/deadline.h"
#include "pipeline/base/exit_watchdog.h"
#include "pipeline/base/log.h"
#include "pipeline/consume/kafka_reader.h"
#include "pipeline/kafka/group_metadata.h"
#include "pipeline/kafka/topic_list.h"

namespace tacho {
namespace {

// Of librdkafka's own thread, on the way out.
constexpr Millis kAnswerLimit{3000};
// "cars/0 cars/3", for people.
std::string ListOf(const std::vector<TopicPartition>& partitions) {
  std::string text;
  for (const TopicPartition& tp : partitions) {
    text += (text.empty() ? "" : " ") + tp.ToString();
  }
  return text;
}

Result<KafkaPtr<rd_kafka_t>> MakeMember(
    const KafkaGroupMemberOptions& options) {
  const KafkaProperties optional = {{"fetch.queue.backoff.ms", "20"},
                                    {"enable.metrics.push", "false"}};
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf,
                   MakeKafkaConf(KafkaConsumerProperties(options), optional));
  rd_kafka_conf_set_events(conf.get(),
                           RD_KAFKA_EVENT_REBALANCE | RD_KAFKA_EVENT_ERROR);
  return MakeKafkaConsumer(std::move(conf));
}

class KafkaGroupMember final : public GroupMember {
 public:
  KafkaGroupMember(KafkaGroupMemberOptions options,
                   KafkaPtr<rd_kafka_t> consumer)
      : options_(std::move(options)), consumer_(std::move(consumer)) {
    TakeEvents();
  }
  ~KafkaGroupMember() override { Close(false); }

  Status Reset() override;
  Status SetFetchLimits(const FetchLimits& limits) override;

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

  std::unique_ptr<PartitionReader> MakeReader(
      const TopicPartition& tp) override {
    return MakeKafkaReader(consumer_.get(), tp, options_.fetch);
  }

  Status Assign(const std::vector<TopicPartition>& partitions) override;
  Status Seek(const TopicPartition& tp, Offset offset) override;
  Status Pause(const TopicPartition& tp) override;

  Status Unassign() override {
    const ExitStep step("give the assignment up", kAnswerLimit);
    assigned_ = false;
    return FromKafka(rd_kafka_assign(consumer_.get(), nullptr), "unassign");
  }

  Status CommitOffsets(const std::vector<PartitionOffset>& offsets,
                       Millis timeout) override;

  void Close(bool leave) override;

 private:
  void TakeEvents();
  void StopPolling();
  void PollEvents();
  void OnEvent(rd_kafka_event_t& event);
  void OnRebalance(rd_kafka_event_t& event);
  void OnError(rd_kafka_event_t& event);
  // Once fatal, always fatal. Asked, not heard of.
  void CheckFatal();
  void OnFatal(int cause, const char* reason);
  GroupMembership Membership() const;
  void PollUntilClosed(const Deadline& deadline);

  KafkaGroupMemberOptions options_;  // As they are from Start on.
  KafkaPtr<rd_kafka_t> consumer_;
  KafkaPtr<rd_kafka_queue_t> events_;
  GroupListener* listener_ = nullptr;
  std::thread thread_;
  bool fatal_told_ = false;  // The group thread's.
  // By this handle, and its membership was not lost since; the group thread's.
  bool was_assigned_ = false;
  std::atomic<bool> closing_{false};
  std::atomic<bool> stop_polling_{false};
  std::atomic<bool> assigned_{false};
  std::atomic<bool> closed_{false};
};

void KafkaGroupMember::TakeEvents() {
  rd_kafka_poll_set_consumer(consumer_.get());
  events_.reset(rd_kafka_queue_get_consumer(consumer_.get()));
}

void KafkaGroupMember::StopPolling() {
  stop_polling_.store(true, std::memory_order_release);
  // The poll may be longer than it was meant to be: librdkafka waits on the
  // host's clock.
  rd_kafka_queue_yield(events_.get());
  if (thread_.joinable()) thread_.join();
}

// After a fatal error a handle does not leave the group when it is destroyed;
// how long that takes is nobody's business here.
Status KafkaGroupMember::Reset() {
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_t> fresh, MakeMember(options_));
  StopPolling();
  events_.reset();
  DestroyKafkaLater(std::move(consumer_));
  consumer_ = std::move(fresh);
  was_assigned_ = false;
  TakeEvents();
  stop_polling_ = assigned_ = fatal_told_ = false;
  return Status::Ok();
}

// What a client fetches ahead is fixed when it is made, and how many partitions
// there are is not known until one has asked.
Status KafkaGroupMember::SetFetchLimits(const FetchLimits& limits) {
  options_.fetch = limits;
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_t> made, MakeMember(options_));
  events_.reset();
  DestroyKafkaLater(std::exchange(consumer_, std::move(made)));
  TakeEvents();
  return Status::Ok();
}

// A place that nothing is fetched from, because the partitions are paused until
// Seek. Not a logical one such as the log's end: if a seek comes while it is
// looked up, librdkafka looks it up again half a second later and goes on from
// there (2.0.2, rd_kafka_toppar_handle_Offset: outdated), so that what lies
// between is never delivered.
Status KafkaGroupMember::Assign(const std::vector<TopicPartition>& partitions) {
  const auto list = MakeTopicList(partitions);
  RETURN_IF_ERROR(FromKafka(
      rd_kafka_pause_partitions(consumer_.get(), list.get()), "pause"));
  for (int i = 0; i < list->cnt; ++i) {
    RETURN_IF_ERROR(FromKafka(list->elems[i].err, "pause"));
    list->elems[i].offset = 0;
  }
  return FromKafka(rd_kafka_assign(consumer_.get(), list.get()), "assign");
}

Status KafkaGroupMember::Seek(const TopicPartition& tp, Offset offset) {
  const auto list = MakeOffsetList({{tp, offset}});
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

Status KafkaGroupMember::Pause(const TopicPartition& tp) {
  const auto list = MakeTopicList({tp});
  const std::string what = "pause " + tp.ToString();
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_pause_partitions(consumer_.get(), list.get()), what));
  return FromKafka(list->elems[0].err, what);
}

Status KafkaGroupMember::CommitOffsets(
    const std::vector<PartitionOffset>& offsets, Millis timeout) {
  const auto list = MakeOffsetList(offsets);
  // rd_kafka_commit waits without a time limit; a queue of our own has one.
  KafkaPtr<rd_kafka_queue_t> reply(rd_kafka_queue_new(consumer_.get()));
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_commit_queue(consumer_.get(), list.get(), reply.get(),
                                      nullptr, nullptr),
                "commit offsets"));
  KafkaPtr<rd_kafka_event_t> event(
      rd_kafka_queue_poll(reply.get(), ToKafkaMs(timeout)));
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
    const PartitionOffset o = OffsetOf(answered->elems[i]);
    RETURN_IF_ERROR(FromKafka(answered->elems[i].err,
                              "commit offset " + std::to_string(o.offset) +
                                  " of " + o.tp.ToString()));
  }
  return Status::Ok();
}

void KafkaGroupMember::PollEvents() {
  while (!stop_polling_.load(std::memory_order_acquire)) {
    KafkaPtr<rd_kafka_event_t> event(rd_kafka_queue_poll(events_.get(), 100));
    if (event != nullptr) OnEvent(*event);
    CheckFatal();
  }
}

void KafkaGroupMember::OnEvent(rd_kafka_event_t& event) {
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

void KafkaGroupMember::OnRebalance(rd_kafka_event_t& event) {
  // Read first: any assign call resets it.
  const bool lost = rd_kafka_assignment_lost(consumer_.get()) != 0;
  const bool assign =
      rd_kafka_event_error(&event) == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS;
  std::vector<TopicPartition> partitions =
      PartitionsOf(rd_kafka_event_topic_partition_list(&event));
  if (closing_.load(std::memory_order_acquire)) {
    // The worker has committed and let go of its lanes.
    rd_kafka_assign(consumer_.get(), nullptr);
    assigned_ = false;
    return;
  }
  assigned_ = assign;
  if (assign) {
    was_assigned_ = true;
  } else if (lost && rd_kafka_fatal_error(consumer_.get(), nullptr, 0) ==
                         RD_KAFKA_RESP_ERR_NO_ERROR) {
    // After an outage, not because of a fence: it joins from the beginning.
    was_assigned_ = false;
  }
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

GroupMembership KafkaGroupMember::Membership() const {
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

// Asked, not heard of: an error that repeats within 30 s is told only once.
void KafkaGroupMember::CheckFatal() {
  char reason[512] = "";
  const rd_kafka_resp_err_t cause =
      rd_kafka_fatal_error(consumer_.get(), reason, sizeof reason);
  if (cause == RD_KAFKA_RESP_ERR_NO_ERROR || fatal_told_ || closing_) return;
  fatal_told_ = true;
  OnFatal(cause, reason);
}

// What brokers answer to the group's own requests stands until it is changed,
// and is told at least once. What the client has to say of connections is for
// people: a request that fails decides; but for a log-in that was refused.
void KafkaGroupMember::OnError(rd_kafka_event_t& event) {
  const rd_kafka_resp_err_t error = rd_kafka_event_error(&event);
  const char* const text = rd_kafka_event_error_string(&event);
  if (error == RD_KAFKA_RESP_ERR__FATAL ||
      error == RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
    CheckFatal();
    return;
  }
  const Status status = FromKafka(error, text);
  const bool of_broker = error > 0 ||
                         error == RD_KAFKA_RESP_ERR__AUTHENTICATION ||
                         error == RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC ||
                         error == RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION;
  if (of_broker && !status.retryable()) {
    listener_->OnSourceFailed(status);
    return;
  }
  LOG(kWarn, "kafka_error", {{"text", text}});
}

void KafkaGroupMember::OnFatal(int cause, const char* reason) {
  const Status status = FromKafkaText(
      cause, reason, "Kafka consumer, group " + options_.group_id);
  const std::string& text = status.message();
  if (cause != RD_KAFKA_RESP_ERR_FENCED_INSTANCE_ID) {
    // Nothing that this handle is asked again will be answered.
    listener_->OnSourceFailed({status.code(), text});
    return;
  }
  // A member that has lost its id asks under none, and is refused: librdkafka
  // does that after an outage. One that was given an id and no partition since
  // it last joined may have it from a coordinator that died, or that slept,
  // before anybody else knew the id. Any other was replaced.
  if (!was_assigned_ || Membership().member_id.empty()) {
    listener_->OnFenced({StatusCode::kUnavailable, text, /*retryable=*/true});
    return;
  }
  listener_->OnSourceFailed(InvalidArgument(
      "another process has taken group.instance_id " + options_.instance_id +
      " of group " + options_.group_id +
      ", and this one gives way. Each worker needs an id of its own: stop one "
      "of the two, or change its group.instance_id"));
}

void KafkaGroupMember::Close(bool leave) {
  if (closed_.exchange(true)) return;
  closing_.store(true, std::memory_order_release);
  // One limit for all of it, and more for the calls that take none.
  const ExitStep step("close the consumer",
                      options_.close_timeout + kAnswerLimit);
  const Deadline deadline(options_.close_timeout);
  const bool is_static = !options_.instance_id.empty();
  if (leave && is_static && thread_.joinable()) {
    // A static member sends LeaveGroup only from unsubscribe, and only before
    // close; the revoke in between must have been answered.
    rd_kafka_unsubscribe(consumer_.get());
    while (assigned_ && !deadline.passed()) {
      std::this_thread::yield();
    }
  }
  StopPolling();
  PollUntilClosed(deadline);
}

void KafkaGroupMember::PollUntilClosed(const Deadline& deadline) {
  events_.reset();
  KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(consumer_.get()));
  KafkaPtr<rd_kafka_error_t> error(
      rd_kafka_consumer_close_queue(consumer_.get(), queue.get()));
  while (error == nullptr && rd_kafka_consumer_closed(consumer_.get()) == 0 &&
         !deadline.passed()) {
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

}  // namespace

Result<std::unique_ptr<GroupMember>> MakeKafkaGroupMember(
    KafkaGroupMemberOptions options) {
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_t> consumer, MakeMember(options));
  return std::unique_ptr<GroupMember>(std::make_unique<KafkaGroupMember>(
      std::move(options), std::move(consumer)));
}

}  // namespace tacho
