#include "tests/support/outsider.h"

#include <librdkafka/rdkafka.h>

#include <chrono>
#include <functional>
#include <memory>

#include "pipeline/kafka/kafka_admin.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {
namespace {

constexpr int kCallMs = 30000;
constexpr Millis kAskMs{5000};

using std::chrono::steady_clock;

struct AdminDeleter {
  void operator()(rd_kafka_DeleteTopic_t* p) const {
    rd_kafka_DeleteTopic_destroy(p);
  }
  void operator()(rd_kafka_ConfigResource_t* p) const {
    rd_kafka_ConfigResource_destroy(p);
  }
  void operator()(rd_kafka_DeleteGroup_t* p) const {
    rd_kafka_DeleteGroup_destroy(p);
  }
};

Result<KafkaPtr<rd_kafka_t>> Connect(const std::string& bootstrap) {
  ASSIGN_OR_RETURN(auto conf,
                   MakeKafkaConf({{"bootstrap.servers", bootstrap}}));
  return MakeKafkaProducer(std::move(conf));
}

Status Await(const std::string& bootstrap, const std::string& what,
             const std::function<bool(KafkaAdmin&)>& done) {
  ASSIGN_OR_RETURN(const auto admin,
                   KafkaAdmin::Open({{"bootstrap.servers", bootstrap}}));
  const auto deadline = steady_clock::now() + std::chrono::seconds(30);
  while (!done(*admin)) {
    if (steady_clock::now() > deadline) {
      return {StatusCode::kUnavailable, what + " was not seen"};
    }
  }
  return Status::Ok();
}

}  // namespace

Status DeleteTopic(const std::string& bootstrap, const std::string& topic) {
  ASSIGN_OR_RETURN(const auto handle, Connect(bootstrap));
  const std::unique_ptr<rd_kafka_DeleteTopic_t, AdminDeleter> request(
      rd_kafka_DeleteTopic_new(topic.c_str()));
  rd_kafka_DeleteTopic_t* requests[] = {request.get()};
  const KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(handle.get()));
  rd_kafka_DeleteTopics(handle.get(), requests, 1, nullptr, queue.get());
  const KafkaPtr<rd_kafka_event_t> event(
      rd_kafka_queue_poll(queue.get(), kCallMs));
  if (event == nullptr) return {StatusCode::kUnavailable, "delete " + topic};
  RETURN_IF_ERROR(FromKafka(rd_kafka_event_error(event.get()), topic));
  return Await(bootstrap, "deletion of " + topic, [&](KafkaAdmin& admin) {
    return admin.PartitionCount(topic, kAskMs).status().code() ==
           StatusCode::kNotFound;
  });
}

Status AlterTopic(const std::string& bootstrap, const std::string& topic,
                  const std::map<std::string, std::string>& config) {
  ASSIGN_OR_RETURN(const auto handle, Connect(bootstrap));
  const std::unique_ptr<rd_kafka_ConfigResource_t, AdminDeleter> request(
      rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic.c_str()));
  for (const auto& [name, value] : config) {
    RETURN_IF_ERROR(FromKafka(rd_kafka_ConfigResource_set_config(
                                  request.get(), name.c_str(), value.c_str()),
                              name));
  }
  rd_kafka_ConfigResource_t* requests[] = {request.get()};
  const KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(handle.get()));
  rd_kafka_AlterConfigs(handle.get(), requests, 1, nullptr, queue.get());
  const KafkaPtr<rd_kafka_event_t> event(
      rd_kafka_queue_poll(queue.get(), kCallMs));
  if (event == nullptr) return {StatusCode::kUnavailable, "alter " + topic};
  RETURN_IF_ERROR(FromKafka(rd_kafka_event_error(event.get()), topic));
  return Await(bootstrap, "settings of " + topic, [&](KafkaAdmin& admin) {
    const auto now = admin.TopicConfig(topic, kAskMs);
    if (!now.ok()) return false;
    for (const auto& [name, value] : config) {
      const auto found = now->find(name);
      if (found == now->end() || found->second != value) return false;
    }
    return true;
  });
}

Status MoveOffset(const std::string& bootstrap, const std::string& group,
                  const TopicPartition& tp, Offset offset) {
  ASSIGN_OR_RETURN(const auto admin,
                   KafkaAdmin::Open({{"bootstrap.servers", bootstrap}}));
  return admin->AlterGroupOffsets(group, {{tp, offset, ""}}, kAskMs);
}

Status DeleteGroup(const std::string& bootstrap, const std::string& group) {
  ASSIGN_OR_RETURN(const auto handle, Connect(bootstrap));
  const std::unique_ptr<rd_kafka_DeleteGroup_t, AdminDeleter> request(
      rd_kafka_DeleteGroup_new(group.c_str()));
  rd_kafka_DeleteGroup_t* requests[] = {request.get()};
  const KafkaPtr<rd_kafka_queue_t> queue(rd_kafka_queue_new(handle.get()));
  rd_kafka_DeleteGroups(handle.get(), requests, 1, nullptr, queue.get());
  const KafkaPtr<rd_kafka_event_t> event(
      rd_kafka_queue_poll(queue.get(), kCallMs));
  if (event == nullptr) return {StatusCode::kUnavailable, "delete " + group};
  RETURN_IF_ERROR(FromKafka(rd_kafka_event_error(event.get()), group));
  size_t count = 0;
  const rd_kafka_group_result_t** const results =
      rd_kafka_DeleteGroups_result_groups(
          rd_kafka_event_DeleteGroups_result(event.get()), &count);
  for (size_t i = 0; i < count; ++i) {
    const rd_kafka_error_t* const error =
        rd_kafka_group_result_error(results[i]);
    if (error != nullptr) {
      return FromKafka(rd_kafka_error_code(error), "delete group " + group);
    }
  }
  return Status::Ok();
}

}  // namespace tacho
