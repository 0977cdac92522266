#pragma once

#include <string>

#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// The commands of Kafka's own tools that an error message ends with, for the
// cluster that `properties` name.

std::string CreateTopicCommand(const KafkaProperties& properties,
                               const std::string& topic,
                               const std::string& partitions);

// `setting` as in "cleanup.policy=compact".
std::string AlterTopicCommand(const KafkaProperties& properties,
                              const std::string& topic,
                              const std::string& setting);

// `operations` as the tool spells them, separated by blanks ("Read
// DescribeConfigs"); `resource` as in "--topic NAME". Who asks is not known
// here: User:PRINCIPAL.
std::string GrantCommand(const KafkaProperties& properties,
                         const std::string& operations,
                         const std::string& resource);

}  // namespace tacho
