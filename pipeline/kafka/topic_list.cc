#include "pipeline/kafka/topic_list.h"

#include <librdkafka/rdkafka.h>

namespace tacho {

KafkaPtr<rd_kafka_topic_partition_list_t> MakeTopicList(
    const std::vector<TopicPartition>& partitions) {
  KafkaPtr<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(partitions.size())));
  for (const TopicPartition& tp : partitions) {
    rd_kafka_topic_partition_list_add(list.get(), tp.topic.c_str(),
                                      tp.partition);
  }
  return list;
}

KafkaPtr<rd_kafka_topic_partition_list_t> MakeOffsetList(
    const std::vector<PartitionOffset>& offsets) {
  KafkaPtr<rd_kafka_topic_partition_list_t> list(
      rd_kafka_topic_partition_list_new(static_cast<int>(offsets.size())));
  for (const PartitionOffset& o : offsets) {
    rd_kafka_topic_partition_t* const added = rd_kafka_topic_partition_list_add(
        list.get(), o.tp.topic.c_str(), o.tp.partition);
    added->offset = o.offset;
    if (o.metadata.empty()) continue;
    // The list frees it.
    added->metadata = rd_kafka_mem_malloc(nullptr, o.metadata.size());
    o.metadata.copy(static_cast<char*>(added->metadata), o.metadata.size());
    added->metadata_size = o.metadata.size();
  }
  return list;
}

std::vector<TopicPartition> PartitionsOf(
    const rd_kafka_topic_partition_list_t* list) {
  std::vector<TopicPartition> partitions;
  for (int i = 0; list != nullptr && i < list->cnt; ++i) {
    partitions.push_back({list->elems[i].topic, list->elems[i].partition});
  }
  return partitions;
}

PartitionOffset OffsetOf(const rd_kafka_topic_partition_t& entry) {
  PartitionOffset out{{entry.topic, entry.partition},
                      entry.offset < 0 ? kNoOffset : entry.offset};
  if (entry.metadata != nullptr) {
    out.metadata.assign(static_cast<const char*>(entry.metadata),
                        entry.metadata_size);
  }
  return out;
}

}  // namespace tacho
