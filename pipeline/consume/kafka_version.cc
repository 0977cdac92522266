#include "pipeline/consume/kafka_version.h"

#include <librdkafka/rdkafka.h>

namespace tacho {

std::string KafkaClientVersion() { return rd_kafka_version_str(); }

}  // namespace tacho
