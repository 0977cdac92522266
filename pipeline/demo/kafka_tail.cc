#include "pipeline/demo/kafka_tail.h"
#include "pipeline/kafka/topic_list.h"

#include <librdkafka/rdkafka.h>

#include <utility>

namespace tacho {

KafkaTail::KafkaTail(KafkaPtr<rd_kafka_t> consumer)
    : consumer_(std::move(consumer)) {}

KafkaTail::~KafkaTail() { rd_kafka_consumer_close(consumer_.get()); }

Result<std::unique_ptr<KafkaTail>> KafkaTail::Open(
    const KafkaProperties& properties, const std::vector<std::string>& topics,
    int timeout_ms) {
  KafkaProperties all = {{"fetch.wait.max.ms", "50"}};
  all.insert(all.end(), properties.begin(), properties.end());
  // librdkafka assigns partitions only to a handle that has a group id; this
  // one is never subscribed.
  all.emplace_back("group.id", "tacho-tail-never-subscribed");
  all.emplace_back("enable.auto.commit", "false");
  all.emplace_back("auto.offset.reset", "earliest");
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_conf_t> conf, MakeKafkaConf(all));
  ASSIGN_OR_RETURN(KafkaPtr<rd_kafka_t> consumer,
                   MakeKafkaConsumer(std::move(conf)));
  rd_kafka_poll_set_consumer(consumer.get());
  std::vector<TopicPartition> partitions;
  for (const std::string& topic : topics) {
    ASSIGN_OR_RETURN(const int32_t count,
                     KafkaPartitionCount(consumer.get(), topic, timeout_ms));
    for (int32_t p = 0; p < count; ++p) partitions.push_back({topic, p});
  }
  const auto list = MakeTopicList(partitions);
  for (int i = 0; i < list->cnt; ++i) {
    list->elems[i].offset = RD_KAFKA_OFFSET_BEGINNING;
  }
  RETURN_IF_ERROR(
      FromKafka(rd_kafka_assign(consumer.get(), list.get()), "tail: assign"));
  return std::unique_ptr<KafkaTail>(new KafkaTail(std::move(consumer)));
}

size_t KafkaTail::Poll(int timeout_ms,
                       const std::function<void(const TailMessage&)>& visit) {
  size_t count = 0;
  int wait = timeout_ms;
  while (true) {
    rd_kafka_message_t* const m = rd_kafka_consumer_poll(consumer_.get(), wait);
    if (m == nullptr) return count;
    wait = 0;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      const std::string topic = rd_kafka_topic_name(m->rkt);
      visit({topic,
             m->partition,
             m->offset,
             {static_cast<const char*>(m->key), m->key_len},
             {static_cast<const char*>(m->payload), m->len}});
      ++count;
    }
    rd_kafka_message_destroy(m);
  }
}

}  // namespace tacho
