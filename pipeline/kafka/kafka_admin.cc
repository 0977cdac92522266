#include "pipeline/kafka/kafka_admin.h"

#include <librdkafka/rdkafka.h>

#include <algorithm>
#include <span>
#include <utility>

#include "pipeline/kafka/admin_handle.h"
#include "pipeline/kafka/kafka_groups.h"
#include "pipeline/kafka/topic_list.h"

namespace tacho {
namespace {

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

// Its own time limit is never reached: AdminHandle keeps the real one.
Options MakeOptions(rd_kafka_t* handle, rd_kafka_admin_op_t operation) {
  Options options(rd_kafka_AdminOptions_new(handle, operation));
  char error[kErrorSize];
  rd_kafka_AdminOptions_set_request_timeout(
      options.get(), ToKafkaMs(AdminHandle::kRequestTimeout), error,
      sizeof error);
  return options;
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
  RETURN_IF_ERROR(FromKafka(
      rd_kafka_metadata(handle, 0, local.get(), &raw, ToKafkaMs(timeout)),
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
  explicit Impl(const KafkaProperties& properties)
      : handle(properties), groups(handle) {}

  AdminHandle handle;
  KafkaGroups groups;

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
  auto impl = std::make_unique<Impl>(properties);
  RETURN_IF_ERROR(impl->handle.Open());
  return std::unique_ptr<KafkaAdmin>(new KafkaAdmin(std::move(impl)));
}

Result<std::string> KafkaAdmin::ClusterId(Millis timeout) {
  return KafkaClusterId(impl_->handle.get(), ToKafkaMs(timeout));
}

Result<std::vector<std::string>> KafkaAdmin::Topics(Millis timeout) {
  const rd_kafka_metadata_t* metadata = nullptr;
  RETURN_IF_ERROR(FromKafka(rd_kafka_metadata(impl_->handle.get(), 1, nullptr,
                                              &metadata, ToKafkaMs(timeout)),
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
  return KafkaPartitionCount(impl_->handle.get(), topic, ToKafkaMs(timeout));
}

Result<std::vector<int32_t>> KafkaAdmin::Brokers(Millis timeout) {
  const rd_kafka_metadata_t* raw = nullptr;
  RETURN_IF_ERROR(FromKafka(rd_kafka_metadata(impl_->handle.get(), 0, nullptr,
                                              &raw, ToKafkaMs(timeout)),
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
      MakeOptions(handle.get(), RD_KAFKA_ADMIN_OP_CREATETOPICS);
  rd_kafka_AdminOptions_set_operation_timeout(options.get(), ToKafkaMs(timeout),
                                              error, sizeof error);
  rd_kafka_AdminOptions_set_validate_only(options.get(), validate_only ? 1 : 0,
                                          error, sizeof error);
  rd_kafka_NewTopic_t* requests[] = {request.get()};
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_event_t> event,
                   handle.Call(context, timeout,
                               [&](rd_kafka_t* rk, rd_kafka_queue_t* queue) {
                                 rd_kafka_CreateTopics(rk, requests, 1,
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
    RETURN_IF_ERROR(FromKafkaText(
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
      MakeOptions(handle, RD_KAFKA_ADMIN_OP_CREATEPARTITIONS);
  rd_kafka_NewPartitions_t* requests[] = {request.get()};
  ASSIGN_OR_RETURN(
      const KafkaPtr<rd_kafka_event_t> event,
      impl_->handle.Call(
          context, timeout, [&](rd_kafka_t* rk, rd_kafka_queue_t* queue) {
            rd_kafka_CreatePartitions(rk, requests, 1, options.get(), queue);
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
    RETURN_IF_ERROR(FromKafkaText(
        outcome, rd_kafka_topic_result_error_string(grown), context));
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
    if (!handle.Pause(deadline)) {
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
      MakeOptions(handle.get(), RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
  ASSIGN_OR_RETURN(const KafkaPtr<rd_kafka_event_t> event,
                   handle.Call(context, timeout,
                               [&](rd_kafka_t* rk, rd_kafka_queue_t* queue) {
                                 rd_kafka_DescribeConfigs(rk, requests, 1,
                                                          options.get(), queue);
                               }));
  size_t count = 0;
  const rd_kafka_ConfigResource_t** const results =
      rd_kafka_DescribeConfigs_result_resources(
          rd_kafka_event_DescribeConfigs_result(event.get()), &count);
  ASSIGN_OR_RETURN(const rd_kafka_ConfigResource_t* const found,
                   OnlyResult(results, count, context));
  RETURN_IF_ERROR(FromKafkaText(rd_kafka_ConfigResource_error(found),
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
                                tp.partition, &low, &high, ToKafkaMs(timeout)),
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
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_offsets_for_times(impl_->handle.get(), list.get(),
                                           ToKafkaMs(timeout)),
                context));
  RETURN_IF_ERROR(FromKafka(list->elems[0].err, context));
  if (list->elems[0].offset >= 0) return list->elems[0].offset;
  ASSIGN_OR_RETURN(const auto range, LogRange(tp, deadline.left()));
  return range.second;
}

Result<GroupDescription> KafkaAdmin::DescribeGroup(const std::string& group,
                                                   Millis timeout) {
  return impl_->groups.Describe(group, timeout);
}

Result<std::vector<PartitionOffset>> KafkaAdmin::GroupOffsets(
    const std::string& group, Millis timeout, Offsets which) {
  return impl_->groups.Offsets(group, timeout, which);
}

Result<std::vector<TopicPartition>> KafkaAdmin::UnstableOffsets(
    const std::string& group, const std::vector<TopicPartition>& partitions,
    Millis timeout) {
  return impl_->groups.UnstableOffsets(group, partitions, timeout);
}

Status KafkaAdmin::AlterGroupOffsets(
    const std::string& group, const std::vector<PartitionOffset>& offsets,
    Millis timeout) {
  return impl_->groups.AlterOffsets(group, offsets, timeout);
}

}  // namespace tacho
