#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/fetch_limits.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_errors.h"

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

// Destroys a handle on a thread of its own, where that may take its time: one
// with a request under way that nobody will answer.
void DestroyKafkaLater(KafkaPtr<rd_kafka_t> handle);

// Client properties in Kafka's own spelling, later ones winning.
using KafkaProperties = std::vector<std::pair<std::string, std::string>>;

// A configuration with `properties` set and librdkafka's log sent to ours.
// Properties in `optional` that this librdkafka does not know are left out.
// Unless they say otherwise, a lost broker is tried again every second at
// least.
Result<KafkaPtr<rd_kafka_conf_t>> MakeKafkaConf(
    const KafkaProperties& properties, const KafkaProperties& optional = {});

// Takes the configuration.
Result<KafkaPtr<rd_kafka_t>> MakeKafkaConsumer(KafkaPtr<rd_kafka_conf_t> conf);
Result<KafkaPtr<rd_kafka_t>> MakeKafkaProducer(KafkaPtr<rd_kafka_conf_t> conf);

// As librdkafka takes a time limit: an hour at most, and 1 at least, because 0
// is its default.
int ToKafkaMs(Millis timeout);

// Partition count of a topic. Waits up to `timeout_ms`.
Result<int32_t> KafkaPartitionCount(rd_kafka_t* handle,
                                    const std::string& topic, int timeout_ms);

// The cluster's id, never empty: brokers since 0.10.1 say it, and one that has
// not said it yet is asked again. Waits up to `timeout_ms`; kUnavailable if
// nobody has said it by then.
Result<std::string> KafkaClusterId(rd_kafka_t* handle, int timeout_ms);

// How a consumer of ours fetches. A job's own properties go after these.
KafkaProperties FetchProperties(const FetchLimits& limits);
// And after a job's own: `message.max.bytes` is meant for what is produced; of
// a consumer it would be a lower bound of what it fetches at once.
KafkaProperties FetchPropertiesAfter(const FetchLimits& limits,
                                     const KafkaProperties& job);
// What makes offsets explicit: none is looked up, stored, reset or committed by
// the client; what is read is committed, and its end is told. After a job's.
KafkaProperties ExplicitOffsetProperties();

// "2.0.2": the library that is running, not the one compiled against.
std::string KafkaClientVersion();
int KafkaClientVersionNumber();

}  // namespace tacho
