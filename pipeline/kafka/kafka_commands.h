#pragma once

#include <string>

#include "pipeline/base/ids.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// A text as one word of a command: quoted where a shell would read more in it.
std::string ShellWord(const std::string& text);

// The commands of Kafka's own tools that an error message ends with, for the
// cluster that `properties` name.

std::string CreateTopicCommand(const KafkaProperties& properties,
                               const std::string& topic,
                               const std::string& partitions);

// `setting` as in "cleanup.policy=compact".
std::string AlterTopicCommand(const KafkaProperties& properties,
                              const std::string& topic,
                              const std::string& setting);

std::string DeleteOffsetsCommand(const KafkaProperties& properties,
                                 const std::string& group,
                                 const std::string& topic);

// `operations` as the tool spells them, separated by blanks ("Read
// DescribeConfigs"); `resource` as in "--topic NAME". Who asks is not known
// here: User:PRINCIPAL.
std::string GrantCommand(const KafkaProperties& properties,
                         const std::string& operations,
                         const std::string& resource);

// Two commands, to look and no more: which transactions are open on a
// partition for too long, and whose they are.
std::string LookForTransactionCommands(const KafkaProperties& properties,
                                       const TopicPartition& tp);

}  // namespace tacho
