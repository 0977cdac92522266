#include "pipeline/kafka/kafka_admin.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>

namespace tacho {
namespace {

using std::chrono::steady_clock;

constexpr Millis kPause{50};        // Between two questions of a wait.
constexpr Millis kEventGrace{500};  // For librdkafka's own time-out to arrive.
constexpr size_t kErrorSize = 512;

template <typename T, void (*destroy)(T*)>
struct Destroy {
  void operator()(T* object) const { destroy(object); }
};
template <typename T, void (*destroy)(T*)>
using Owned = std::unique_ptr<T, Destroy<T, destroy>>;
using Options = Owned<rd_kafka_AdminOptions_t, rd_kafka_AdminOptions_destroy>;
using NewTopic = Owned<rd_kafka_NewTopic_t, rd_kafka_NewTopic_destroy>;
using NewPartitions =
    Owned<rd_kafka_NewPartitions_t, rd_kafka_NewPartitions_destroy>;
using ConfigResource =
    Owned<rd_kafka_ConfigResource_t, rd_kafka_ConfigResource_destroy>;
using ListOffsetsRequest = Owned<rd_kafka_ListConsumerGroupOffsets_t,
                                 rd_kafka_ListConsumerGroupOffsets_destroy>;
using AlterOffsetsRequest = Owned<rd_kafka_AlterConsumerGroupOffsets_t,
                                  rd_kafka_AlterConsumerGroupOffsets_destroy>;

// Longest that librdkafka takes; at least one, because 0 is its default.
int ToMs(Millis timeout) {
  return static_cast<int>(
      std::clamp<int64_t>(timeout.count(), 1, 3600 * int64_t{1000}));
}

// Time left of a call that asks more than once.
class Deadline {
 public:
  explicit Deadline(Millis timeout) : end_(steady_clock::now() + timeout) {}
  Millis left() const {
    return std::max(Millis(0), std::chrono::duration_cast<Millis>(
                                   end_ - steady_clock::now()));
  }
  bool passed() const { return left() == Millis(0); }

 private:
  steady_clock::time_point end_;
};

Options MakeOptions(rd_kafka_t* handle, rd_kafka_admin_op_t operation,
                    Millis timeout) {
  Options options(rd_kafka_AdminOptions_new(handle, operation));
  char error[kErrorSize];
  rd_kafka_AdminOptions_set_request_timeout(options.get(), ToMs(timeout), error,
                                            sizeof error);
  return options;
}

// The broker's own words where it has any.
Status WithText(rd_kafka_resp_err_t error, const char* text,
                const std::string& context) {
  const Status status = FromKafka(error, context);
  if (status.ok() || text == nullptr || rd_kafka_err2str(error) == text) {
    return status;
  }
  return {status.code(),
          context + ": " + text + " (" + rd_kafka_err2name(error) + ")",
          status.retryable()};
}

std::string Text(const char* text) { return text == nullptr ? "" : text; }

Status UnknownTopic(const std::string& topic) {
  return FromKafka(RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART, "topic " + topic);
}

using Metadata = Owned<const rd_kafka_metadata_t, rd_kafka_metadata_destroy>;

// Of one topic, which is in it; kNotFound if there is none.
Result<Metadata> TopicMetadata(rd_kafka_t* handle, const std::string& topic,
                               Millis timeout) {
  const KafkaPtr<rd_kafka_topic_t> local(
      rd_kafka_topic_new(handle, topic.c_str(), nullptr));
  if (local == nullptr) {
    return FromKafka(rd_kafka_last_error(), "topic " + topic);
  }
  const rd_kafka_metadata_t* raw = nullptr;
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_metadata(handle, 0, local.get(), &raw, ToMs(timeout)),
                "metadata of topic " + topic));
  Metadata metadata(raw);
  if (metadata->topic_cnt != 1) return UnknownTopic(topic);
  RETURN_IF_ERROR(FromKafka(metadata->topics[0].err, "topic " + topic));
  return metadata;
}

std::span<rd_kafka_metadata_partition_t> PartitionsOf(
    const Metadata& metadata) {
  return {metadata->topics[0].partitions,
          static_cast<size_t>(metadata->topics[0].partition_cnt)};
}

// True if all `partitions` are known and led; kNotFound if the topic is not.
Result<bool> AllLed(rd_kafka_t* handle, const std::string& topic,
                    int32_t partitions, Millis timeout) {
  ASSIGN_OR_RETURN(const Metadata metadata,
                   TopicMetadata(handle, topic, timeout));
  const auto all = PartitionsOf(metadata);
  return all.size() >= static_cast<size_t>(partitions) &&
         std::all_of(all.begin(), all.end(), [](const auto& partition) {
           return partition.leader >= 0;
         });
}

GroupDescription Describe(const rd_kafka_ConsumerGroupDescription_t* group) {
  GroupDescription description;
  description.state = rd_kafka_consumer_group_state_name(
      rd_kafka_ConsumerGroupDescription_state(group));
  const size_t count = rd_kafka_ConsumerGroupDescription_member_count(group);
  for (size_t i = 0; i < count; ++i) {
    const auto* const member =
        rd_kafka_ConsumerGroupDescription_member(group, i);
    std::string text = Text(rd_kafka_MemberDescription_client_id(member));
    const std::string instance =
        Text(rd_kafka_MemberDescription_group_instance_id(member));
    if (!instance.empty()) text += " (instance " + instance + ")";
    text += " on " + Text(rd_kafka_MemberDescription_host(member));
    description.members.push_back(std::move(text));
  }
  return description;
}

// Nothing while a transaction that holds offsets of the group is open.
Result<std::optional<std::vector<GroupOffset>>> Stable(
    const rd_kafka_topic_partition_list_t* list, const std::string& context) {
  std::vector<GroupOffset> offsets;
  for (int i = 0; i < list->cnt; ++i) {
    const rd_kafka_topic_partition_t& e = list->elems[i];
    if (e.err == RD_KAFKA_RESP_ERR_UNSTABLE_OFFSET_COMMIT) {
      return std::optional<std::vector<GroupOffset>>();
    }
    RETURN_IF_ERROR(FromKafka(e.err, context));
    if (e.offset < 0) continue;
    offsets.push_back(
        {{e.topic, e.partition},
         e.offset,
         std::string(static_cast<const char*>(e.metadata), e.metadata_size)});
  }
  std::sort(
      offsets.begin(), offsets.end(),
      [](const GroupOffset& a, const GroupOffset& b) { return a.tp < b.tp; });
  return std::optional(std::move(offsets));
}

KafkaPtr<rd_kafka_topic_partition_list_t> ToList(
    const std::vector<GroupOffset>& offsets) {
  KafkaPtr<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const GroupOffset& offset : offsets) {
    rd_kafka_topic_partition_t* const e = rd_kafka_topic_partition_list_add(
        list.get(), offset.tp.topic.c_str(), offset.tp.partition);
    e->offset = offset.offset;
    if (offset.metadata.empty()) continue;
    // The list frees it.
    e->metadata = rd_kafka_mem_malloc(nullptr, offset.metadata.size());
    offset.metadata.copy(static_cast<char*>(e->metadata),
                         offset.metadata.size());
    e->metadata_size = offset.metadata.size();
  }
  return list;
}

// The one group that was asked about. The answer owns it.
template <typename T>
Result<const T*> OnlyResult(const T** results, size_t count,
                            const std::string& context) {
  if (count != 1) {
    return Status(StatusCode::kInternal,
                  context + ": the client answered with " +
                      std::to_string(count) + " results, not one");
  }
  return results[0];
}

}  // namespace

struct KafkaAdmin::Impl {
  KafkaPtr<rd_kafka_t> handle;

  // Waits for the answer to the request that `send` puts on its way.
  template <typename Send>
  Result<KafkaPtr<rd_kafka_event_t>> Call(const std::string& context,
                                          Millis timeout, Send send) {
    const KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(handle.get()));
    send(queue.get());
    KafkaPtr<rd_kafka_event_t> event(
        rd_kafka_queue_poll(queue.get(), ToMs(timeout + kEventGrace)));
    if (event == nullptr) {
      return FromKafka(RD_KAFKA_RESP_ERR__TIMED_OUT, context);
    }
    RETURN_IF_ERROR(WithText(rd_kafka_event_error(event.get()),
                             rd_kafka_event_error_string(event.get()),
                             context));
    return event;
  }

  // Waits a moment; false if the deadline has passed. Nothing comes out of
  // this queue: the handle has no events of its own.
  bool Pause(const Deadline& deadline) {
    if (deadline.passed()) return false;
    rd_kafka_poll(handle.get(), ToMs(std::min(kPause, deadline.left())));
    return true;
  }

  // What the controller says of a topic to create, or just to validate.
  Result<rd_kafka_resp_err_t> Create(
      const std::string& topic, int32_t partitions,
      const std::map<std::string, std::string>& config, bool validate_only,
      Millis timeout);
  Status AwaitLeaders(const std::string& topic, int32_t partitions,
                      const Deadline& deadline);
  Result<std::map<std::string, std::string>> Config(
      rd_kafka_ResourceType_t type, const std::string& name,
      const std::string& context, Millis timeout);
};

KafkaAdmin::KafkaAdmin(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KafkaAdmin::~KafkaAdmin() = default;

Result<std::unique_ptr<KafkaAdmin>> KafkaAdmin::Open(
    const KafkaProperties& properties) {
  KafkaProperties all = {{"client.id", "tacho-admin"}};
  all.insert(all.end(), properties.begin(), properties.end());
  // High watermarks, not last stable offsets.
  all.emplace_back("isolation.level", "read_uncommitted");
  // Answers about groups are handled by code that takes a group for granted
  // (rdkafka_request.c); this one is never joined.
  all.emplace_back("group.id", "tacho-admin-never-joined");
  all.emplace_back("enable.auto.commit", "false");
  all.emplace_back("allow.auto.create.topics", "false");
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf, MakeKafkaConf(all));
  auto impl = std::make_unique<Impl>();
  ASSIGN_OR_RETURN(impl->handle, MakeKafkaConsumer(std::move(conf)));
  return std::unique_ptr<KafkaAdmin>(new KafkaAdmin(std::move(impl)));
}

Result<std::string> KafkaAdmin::ClusterId(Millis timeout) {
  rd_kafka_t* const handle = impl_->handle.get();
  const rd_kafka_metadata_t* metadata = nullptr;
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_metadata(handle, 0, nullptr, &metadata, ToMs(timeout)),
                "metadata of the cluster"));
  rd_kafka_metadata_destroy(metadata);
  char* const id = rd_kafka_clusterid(handle, ToMs(timeout));
  std::string text = Text(id);
  if (id != nullptr) rd_kafka_mem_free(handle, id);
  return text;
}

Result<std::vector<std::string>> KafkaAdmin::Topics(Millis timeout) {
  const rd_kafka_metadata_t* metadata = nullptr;
  RETURN_IF_ERROR(FromKafka(rd_kafka_metadata(impl_->handle.get(), 1, nullptr,
                                              &metadata, ToMs(timeout)),
                            "names of topics"));
  const Owned<const rd_kafka_metadata_t, rd_kafka_metadata_destroy> owned(
      metadata);
  std::vector<std::string> names;
  for (int i = 0; i < metadata->topic_cnt; ++i) {
    names.emplace_back(metadata->topics[i].topic);
  }
  return names;
}

Result<int32_t> KafkaAdmin::PartitionCount(const std::string& topic,
                                           Millis timeout) {
  return KafkaPartitionCount(impl_->handle.get(), topic, ToMs(timeout));
}

Result<std::vector<int32_t>> KafkaAdmin::Brokers(Millis timeout) {
  const rd_kafka_metadata_t* raw = nullptr;
  RETURN_IF_ERROR(FromKafka(
      rd_kafka_metadata(impl_->handle.get(), 0, nullptr, &raw, ToMs(timeout)),
      "metadata of the cluster"));
  const Metadata metadata(raw);
  std::vector<int32_t> ids;
  for (const rd_kafka_metadata_broker_t& broker : std::span(
           metadata->brokers, static_cast<size_t>(metadata->broker_cnt))) {
    ids.push_back(broker.id);
  }
  return ids;
}

Result<TopicShape> KafkaAdmin::Shape(const std::string& topic, Millis timeout) {
  ASSIGN_OR_RETURN(const Metadata metadata,
                   TopicMetadata(impl_->handle.get(), topic, timeout));
  const auto all = PartitionsOf(metadata);
  TopicShape shape;
  shape.partitions = static_cast<int32_t>(all.size());
  for (const rd_kafka_metadata_partition_t& partition : all) {
    if (shape.replication == 0 || partition.replica_cnt < shape.replication) {
      shape.replication = partition.replica_cnt;
    }
  }
  return shape;
}

Result<rd_kafka_resp_err_t> KafkaAdmin::Impl::Create(
    const std::string& topic, int32_t partitions,
    const std::map<std::string, std::string>& config, bool validate_only,
    Millis timeout) {
  const std::string context = "create topic " + topic;
  char error[kErrorSize];
  const NewTopic request(rd_kafka_NewTopic_new(topic.c_str(), partitions,
                                               /*replication_factor=*/-1, error,
                                               sizeof error));
  if (request == nullptr) return InvalidArgument(context + ": " + error);
  for (const auto& [name, value] : config) {
    RETURN_IF_ERROR(FromKafka(rd_kafka_NewTopic_set_config(
                                  request.get(), name.c_str(), value.c_str()),
                              context + ": " + name));
  }
  const Options options =
      MakeOptions(handle.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS, timeout);
  rd_kafka_AdminOptions_set_operation_timeout(options.get(), ToMs(timeout),
                                              error, sizeof error);
  rd_kafka_AdminOptions_set_validate_only(options.get(), validate_only ? 1 : 0,
                                          error, sizeof error);
  rd_kafka_NewTopic_t* requests[] = {request.get()};
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_event_t> event,
                   Call(context, timeout, [&](rd_kafka_queue_t* queue) {
                     rd_kafka_CreateTopics(handle.get(), requests, 1,
                                           options.get(), queue);
                   }));
  size_t count = 0;
  const rd_kafka_topic_result_t** const results =
      rd_kafka_CreateTopics_result_topics(
          rd_kafka_event_CreateTopics_result(event.get()), &count);
  ASSIGN_OR_RETURN(const rd_kafka_topic_result_t* const created,
                   OnlyResult(results, count, context));
  const rd_kafka_resp_err_t outcome = rd_kafka_topic_result_error(created);
  if (outcome != RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
    RETURN_IF_ERROR(WithText(
        outcome, rd_kafka_topic_result_error_string(created), context));
  }
  return outcome;
}

Status KafkaAdmin::CreateTopic(const std::string& topic, int32_t partitions,
                               const std::map<std::string, std::string>& config,
                               Millis timeout) {
  const Deadline deadline(timeout);
  ASSIGN_OR_RETURN(const rd_kafka_resp_err_t outcome,
                   impl_->Create(topic, partitions, config,
                                 /*validate_only=*/false, timeout));
  // A topic that was there may have any number of partitions.
  const bool exists = outcome == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS;
  return impl_->AwaitLeaders(topic, exists ? 1 : partitions, deadline);
}

Status KafkaAdmin::CreatePartitions(const std::string& topic,
                                    int32_t partitions, Millis timeout) {
  const Deadline deadline(timeout);
  const std::string context =
      "grow topic " + topic + " to " + std::to_string(partitions);
  rd_kafka_t* const handle = impl_->handle.get();
  char error[kErrorSize];
  const NewPartitions request(rd_kafka_NewPartitions_new(
      topic.c_str(), static_cast<size_t>(partitions), error, sizeof error));
  if (request == nullptr) return InvalidArgument(context + ": " + error);
  const Options options =
      MakeOptions(handle, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS, timeout);
  rd_kafka_NewPartitions_t* requests[] = {request.get()};
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_event_t> event,
                   impl_->Call(context, timeout, [&](rd_kafka_queue_t* queue) {
                     rd_kafka_CreatePartitions(handle, requests, 1,
                                               options.get(), queue);
                   }));
  size_t count = 0;
  const rd_kafka_topic_result_t** const results =
      rd_kafka_CreatePartitions_result_topics(
          rd_kafka_event_CreatePartitions_result(event.get()), &count);
  ASSIGN_OR_RETURN(const rd_kafka_topic_result_t* const grown,
                   OnlyResult(results, count, context));
  const rd_kafka_resp_err_t outcome = rd_kafka_topic_result_error(grown);
  // Another worker may have been quicker.
  if (outcome != RD_KAFKA_RESP_ERR_INVALID_PARTITIONS) {
    RETURN_IF_ERROR(
        WithText(outcome, rd_kafka_topic_result_error_string(grown), context));
  }
  return impl_->AwaitLeaders(topic, partitions, deadline);
}

Status KafkaAdmin::CheckCreateTopic(
    const std::string& topic, int32_t partitions,
    const std::map<std::string, std::string>& config, Millis timeout) {
  return impl_
      ->Create(topic, partitions, config, /*validate_only=*/true, timeout)
      .status();
}

// The controller has made the topic; the broker that answers us may not know
// it yet.
Status KafkaAdmin::Impl::AwaitLeaders(const std::string& topic,
                                      int32_t partitions,
                                      const Deadline& deadline) {
  while (true) {
    const Result<bool> led =
        AllLed(handle.get(), topic, partitions, deadline.left());
    if (led.ok() && *led) return Status::Ok();
    if (!led.ok() && led.status().code() == StatusCode::kPermission) {
      return led.status();
    }
    if (!Pause(deadline)) {
      return {StatusCode::kUnavailable,
              "topic " + topic + " is there, but not all of its " +
                  std::to_string(partitions) + " partitions have a leader",
              /*retryable=*/true};
    }
  }
}

Result<std::map<std::string, std::string>> KafkaAdmin::TopicConfig(
    const std::string& topic, Millis timeout) {
  return impl_->Config(RD_KAFKA_RESOURCE_TOPIC, topic,
                       "settings of topic " + topic, timeout);
}

Result<std::map<std::string, std::string>> KafkaAdmin::BrokerConfig(
    int32_t broker, Millis timeout) {
  const std::string id = std::to_string(broker);
  return impl_->Config(RD_KAFKA_RESOURCE_BROKER, id, "settings of broker " + id,
                       timeout);
}

Result<std::map<std::string, std::string>> KafkaAdmin::Impl::Config(
    rd_kafka_ResourceType_t type, const std::string& name,
    const std::string& context, Millis timeout) {
  const ConfigResource request(rd_kafka_ConfigResource_new(type, name.c_str()));
  rd_kafka_ConfigResource_t* requests[] = {request.get()};
  const Options options =
      MakeOptions(handle.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS, timeout);
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_event_t> event,
                   Call(context, timeout, [&](rd_kafka_queue_t* queue) {
                     rd_kafka_DescribeConfigs(handle.get(), requests, 1,
                                              options.get(), queue);
                   }));
  size_t count = 0;
  const rd_kafka_ConfigResource_t** const results =
      rd_kafka_DescribeConfigs_result_resources(
          rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  ASSIGN_OR_RETURN(const rd_kafka_ConfigResource_t* const found,
                   OnlyResult(results, count, context));
  RETURN_IF_ERROR(WithText(rd_kafka_ConfigResource_error(found),
                           rd_kafka_ConfigResource_error_string(found),
                           context));
  const rd_kafka_ConfigEntry_t** const entries =
      rd_kafka_ConfigResource_configs(found, &count);
  std::map<std::string, std::string> config;
  for (size_t i = 0; i < count; ++i) {
    config[rd_kafka_ConfigEntry_name(entries[i])] =
        Text(rd_kafka_ConfigEntry_value(entries[i]));
  }
  return config;
}

Result<std::pair<Offset, Offset>> KafkaAdmin::LogRange(const TopicPartition& tp,
                                                       Millis timeout) {
  int64_t low = 0;
  int64_t high = 0;
  RETURN_IF_ERROR(FromKafka(rd_kafka_query_watermark_offsets(
                                impl_->handle.get(), tp.topic.c_str(),
                                tp.partition, &low, &high, ToMs(timeout)),
                            "log range of " + tp.ToString()));
  return std::pair<Offset, Offset>(low, high);
}

Result<Offset> KafkaAdmin::OffsetForTime(const TopicPartition& tp,
                                         Timestamp time, Millis timeout) {
  const Deadline deadline(timeout);
  const auto list = MakeTopicList({tp});
  // Negative numbers are questions of another kind to the broker.
  list->elems[0].offset = std::max<int64_t>(0, ToEpochMillis(time));
  const std::string context = "offset by time of " + tp.ToString();
  RETURN_IF_ERROR(FromKafka(rd_kafka_offsets_for_times(
                                impl_->handle.get(), list.get(), ToMs(timeout)),
                            context));
  RETURN_IF_ERROR(FromKafka(list->elems[0].err, context));
  if (list->elems[0].offset >= 0) return list->elems[0].offset;
  ASSIGN_OR_RETURN(const auto range, LogRange(tp, deadline.left()));
  return range.second;
}

Result<GroupDescription> KafkaAdmin::DescribeGroup(const std::string& group,
                                                   Millis timeout) {
  const std::string context = "group " + group;
  rd_kafka_t* const handle = impl_->handle.get();
  const Options options =
      MakeOptions(handle, RD_KAFKA_ADMIN_OP_DESCRIBECONSUMERGROUPS, timeout);
  const char* groups[] = {group.c_str()};
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_event_t> event,
                   impl_->Call(context, timeout, [&](rd_kafka_queue_t* queue) {
                     rd_kafka_DescribeConsumerGroups(handle, groups, 1,
                                                     options.get(), queue);
                   }));
  size_t count = 0;
  const rd_kafka_ConsumerGroupDescription_t** const results =
      rd_kafka_DescribeConsumerGroups_result_groups(
          rd_kafka_event_DescribeConsumerGroups_result(event.get()), &count);
  ASSIGN_OR_RETURN(const rd_kafka_ConsumerGroupDescription_t* const found,
                   OnlyResult(results, count, context));
  const rd_kafka_error_t* const error =
      rd_kafka_ConsumerGroupDescription_error(found);
  if (error != nullptr) {
    return WithText(rd_kafka_error_code(error), rd_kafka_error_string(error),
                    context);
  }
  return Describe(found);
}

Result<std::vector<GroupOffset>> KafkaAdmin::GroupOffsets(
    const std::string& group, Millis timeout) {
  const Deadline deadline(timeout);
  const std::string context = "offsets of group " + group;
  rd_kafka_t* const handle = impl_->handle.get();
  const ListOffsetsRequest request(
      rd_kafka_ListConsumerGroupOffsets_new(group.c_str(), nullptr));
  rd_kafka_ListConsumerGroupOffsets_t* requests[] = {request.get()};
  do {
    const Options options = MakeOptions(
        handle, RD_KAFKA_ADMIN_OP_LISTCONSUMERGROUPOFFSETS, deadline.left());
    const KafkaPtr<rd_kafka_error_t> refused(
        rd_kafka_AdminOptions_set_require_stable_offsets(options.get(), 1));
    ASSIGN_OR_RETURN(
        const KafkaPtr<rd_kafka_event_t> event,
        impl_->Call(context, deadline.left(), [&](rd_kafka_queue_t* queue) {
          rd_kafka_ListConsumerGroupOffsets(handle, requests, 1, options.get(),
                                            queue);
        }));
    size_t count = 0;
    const rd_kafka_group_result_t** const results =
        rd_kafka_ListConsumerGroupOffsets_result_groups(
            rd_kafka_event_ListConsumerGroupOffsets_result(event.get()),
            &count);
    ASSIGN_OR_RETURN(const rd_kafka_group_result_t* const found,
                     OnlyResult(results, count, context));
    ASSIGN_OR_RETURN(std::optional<std::vector<GroupOffset>> offsets,
                     Stable(rd_kafka_group_result_partitions(found), context));
    if (offsets) return *std::move(offsets);
  } while (impl_->Pause(deadline));
  return Status(StatusCode::kUnavailable,
                context + ": a transaction that moves them is still open",
                /*retryable=*/true);
}

Status KafkaAdmin::AlterGroupOffsets(const std::string& group,
                                     const std::vector<GroupOffset>& offsets,
                                     Millis timeout) {
  const std::string context = "move the offsets of group " + group;
  rd_kafka_t* const handle = impl_->handle.get();
  const auto list = ToList(offsets);
  const AlterOffsetsRequest request(
      rd_kafka_AlterConsumerGroupOffsets_new(group.c_str(), list.get()));
  rd_kafka_AlterConsumerGroupOffsets_t* requests[] = {request.get()};
  const Options options =
      MakeOptions(handle, RD_KAFKA_ADMIN_OP_ALTERCONSUMERGROUPOFFSETS, timeout);
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_event_t> event,
                   impl_->Call(context, timeout, [&](rd_kafka_queue_t* queue) {
                     rd_kafka_AlterConsumerGroupOffsets(handle, requests, 1,
                                                        options.get(), queue);
                   }));
  size_t count = 0;
  const rd_kafka_group_result_t** const results =
      rd_kafka_AlterConsumerGroupOffsets_result_groups(
          rd_kafka_event_AlterConsumerGroupOffsets_result(event.get()), &count);
  ASSIGN_OR_RETURN(const rd_kafka_group_result_t* const altered,
                   OnlyResult(results, count, context));
  const auto* const partitions = rd_kafka_group_result_partitions(altered);
  for (int i = 0; i < partitions->cnt; ++i) {
    const rd_kafka_topic_partition_t& e = partitions->elems[i];
    // What the coordinator says to an outsider while the group has members.
    if (e.err == RD_KAFKA_RESP_ERR_UNKNOWN_MEMBER_ID) {
      return InvalidArgument(context + ": it has active members");
    }
    RETURN_IF_ERROR(FromKafka(
        e.err,
        context + ": " + TopicPartition{e.topic, e.partition}.ToString()));
  }
  return Status::Ok();
}

}  // namespace tacho
