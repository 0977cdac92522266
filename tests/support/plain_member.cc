#include "tests/support/plain_member.h"

#include <librdkafka/rdkafka.h>

#include <chrono>

#include "pipeline/kafka/group_metadata.h"
#include "pipeline/kafka/topic_list.h"

namespace tacho {

PlainMember::PlainMember(KafkaPtr<rd_kafka_t> consumer)
    : consumer_(std::move(consumer)) {}

PlainMember::~PlainMember() { rd_kafka_consumer_close(consumer_.get()); }

Result<GroupMembership> PlainMember::membership() const {
  rd_kafka_consumer_group_metadata_t* const metadata =
      rd_kafka_consumer_group_metadata(consumer_.get());
  Result<GroupMembership> membership = ReadGroupMetadata(metadata);
  rd_kafka_consumer_group_metadata_destroy(metadata);
  return membership;
}

Result<std::unique_ptr<PlainMember>> PlainMember::Join(
    const std::string& bootstrap, const std::string& group,
    const std::string& topic, const std::string& client) {
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf,
                   MakeKafkaConf({{"bootstrap.servers", bootstrap},
                                  {"group.id", group},
                                  {"client.id", client},
                                  {"enable.auto.commit", "false"}}));
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_t> consumer,
                   MakeKafkaConsumer(std::move(conf)));
  rd_kafka_t* const handle = consumer.get();
  rd_kafka_poll_set_consumer(handle);
  const auto topics = MakeTopicList({{topic, RD_KAFKA_PARTITION_UA}});
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_subscribe(handle, topics.get()), "subscribe"));
  std::unique_ptr<PlainMember> member(new PlainMember(std::move(consumer)));
  const auto deadline =
      std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    rd_kafka_message_t* const message = rd_kafka_consumer_poll(handle, 100);
    if (message != nullptr) rd_kafka_message_destroy(message);
    rd_kafka_topic_partition_list_t* list = nullptr;
    RETURN_IF_ERROR(FromKafka(rd_kafka_assignment(handle, &list), "assigned"));
    const KafkaPtr<rd_kafka_topic_partition_list_t> owned(list);
    if (list->cnt > 0) return member;
  }
  return Status(StatusCode::kUnavailable, "group " + group + " did not form");
}

}  // namespace tacho
