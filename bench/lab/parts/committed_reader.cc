#include "bench/lab/parts/committed_reader.h"

#include <librdkafka/rdkafka.h>

#include <vector>

#include "bench/lab/parts/bed.h"
#include "pipeline/kafka/topic_list.h"

namespace tacho::lab {

KafkaPtr<rd_kafka_t> ReadCommitted(const std::string& bootstrap,
                                   const std::string& topic, int partitions,
                                   int64_t from) {
  auto conf = MakeKafkaConf({{"bootstrap.servers", bootstrap},
                             {"group.id", "lab-reader"},
                             {"enable.auto.commit", "false"},
                             {"enable.partition.eof", "true"},
                             {"isolation.level", "read_committed"}});
  Die(conf.status());
  auto consumer = MakeKafkaConsumer(*std::move(conf));
  Die(consumer.status());
  rd_kafka_poll_set_consumer(consumer->get());
  std::vector<TopicPartition> all;
  for (int32_t p = 0; p < partitions; ++p) all.push_back({topic, p});
  const auto list = MakeTopicList(all);
  for (int i = 0; i < list->cnt; ++i) list->elems[i].offset = from;
  Die(FromKafka(rd_kafka_assign(consumer->get(), list.get()), "read " + topic));
  return *std::move(consumer);
}

}  // namespace tacho::lab
