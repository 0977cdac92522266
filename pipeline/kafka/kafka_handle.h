#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"

// librdkafka's own types, declared so that no header includes its header.
typedef struct rd_kafka_s rd_kafka_t;
typedef struct rd_kafka_conf_s rd_kafka_conf_t;
typedef struct rd_kafka_queue_s rd_kafka_queue_t;
typedef struct rd_kafka_op_s rd_kafka_event_t;
typedef struct rd_kafka_topic_s rd_kafka_topic_t;
typedef struct rd_kafka_topic_partition_list_s rd_kafka_topic_partition_list_t;
typedef struct rd_kafka_error_s rd_kafka_error_t;

namespace tacho {

// Owners of what librdkafka hands out. A list, queue or message that outlives
// its handle makes the handle's destruction hang, so nothing is held naked.
struct KafkaDeleter {
  void operator()(rd_kafka_t* p) const;
  void operator()(rd_kafka_conf_t* p) const;
  void operator()(rd_kafka_queue_t* p) const;
  void operator()(rd_kafka_event_t* p) const;
  void operator()(rd_kafka_topic_t* p) const;
  void operator()(rd_kafka_topic_partition_list_t* p) const;
  void operator()(rd_kafka_error_t* p) const;
};
template <typename T>
using KafkaPtr = std::unique_ptr<T, KafkaDeleter>;

// Client properties in Kafka's own spelling, later ones winning.
using KafkaProperties = std::vector<std::pair<std::string, std::string>>;

// A configuration with `properties` set and librdkafka's log sent to ours.
// Properties in `optional` that this librdkafka does not know are left out.
Result<KafkaPtr<rd_kafka_conf_t>> MakeKafkaConf(
    const KafkaProperties& properties, const KafkaProperties& optional = {});

// Takes the configuration.
Result<KafkaPtr<rd_kafka_t>> MakeKafkaConsumer(KafkaPtr<rd_kafka_conf_t> conf);
Result<KafkaPtr<rd_kafka_t>> MakeKafkaProducer(KafkaPtr<rd_kafka_conf_t> conf);

// What a librdkafka error code (rd_kafka_resp_err_t) means to us: its class,
// whether a later try can succeed, and its text.
Status FromKafka(int error, const std::string& context);

// The same of a question about a partition that is known to exist: a client
// whose metadata does not show it yet learns of it.
Status FromKafkaPartition(int error, const std::string& context);

KafkaPtr<rd_kafka_topic_partition_list_t> MakeTopicList(
    const std::vector<TopicPartition>& partitions);

// Partition count of a topic. Waits up to `timeout_ms`.
Result<int32_t> KafkaPartitionCount(rd_kafka_t* handle,
                                    const std::string& topic, int timeout_ms);

// How a consumer of ours fetches, its queues bounded by `queue_bytes` over so
// many partitions. A job's own properties go after these.
KafkaProperties FetchProperties(size_t queue_bytes, int partitions);
// What makes offsets explicit: none is looked up, stored, reset or committed by
// the client; what is read is committed, and its end is told. After a job's.
KafkaProperties ExplicitOffsetProperties();

// "2.0.2": the library that is running, not the one compiled against.
std::string KafkaClientVersion();
int KafkaClientVersionNumber();

}  // namespace tacho
