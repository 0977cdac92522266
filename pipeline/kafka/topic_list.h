#pragma once

#include <string>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/partition_offset.h"
#include "pipeline/kafka/kafka_handle.h"

typedef struct rd_kafka_topic_partition_s rd_kafka_topic_partition_t;

namespace tacho {

// librdkafka's lists of partitions, from our words and back.
KafkaPtr<rd_kafka_topic_partition_list_t> MakeTopicList(
    const std::vector<TopicPartition>& partitions);
KafkaPtr<rd_kafka_topic_partition_list_t> MakeOffsetList(
    const std::vector<PartitionOffset>& offsets);

// Null: none.
std::vector<TopicPartition> PartitionsOf(
    const rd_kafka_topic_partition_list_t* list);
// Of an answer; what is no offset becomes kNoOffset.
PartitionOffset OffsetOf(const rd_kafka_topic_partition_t& entry);

}  // namespace tacho
