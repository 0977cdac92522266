#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/partition_offset.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

class AdminHandle;

struct GroupDescription {
  std::string state;  // "Stable", "Empty", "Dead", ... in Kafka's words.
  // "client-id on host" of each member, static ones with their instance id.
  std::vector<std::string> members;
};

// kStable waits for transactions that move an offset; kAny takes what is
// committed by now.
enum class WhichOffsets : uint8_t { kStable, kAny };

// What the coordinator of a group knows, and moving its offsets: the half of
// KafkaAdmin that is about groups.
//
// What passes by itself (a coordinator that is not there yet, or is moving) is
// asked again until `timeout`.
//
// Threading, errors: as KafkaAdmin. `handle` outlives it.
class KafkaGroups {
 public:
  explicit KafkaGroups(AdminHandle& handle) : handle_(handle) {}

  Result<GroupDescription> Describe(const std::string& group, Millis timeout);
  // All that it has.
  Result<std::vector<PartitionOffset>> Offsets(const std::string& group,
                                               Millis timeout,
                                               WhichOffsets which);
  // Those of `partitions` whose offset a transaction that is open will move.
  Result<std::vector<TopicPartition>> UnstableOffsets(
      const std::string& group, const std::vector<TopicPartition>& partitions,
      Millis timeout);
  // REQUIRES: the group has no members (the broker refuses otherwise).
  Status AlterOffsets(const std::string& group,
                      const std::vector<PartitionOffset>& offsets,
                      Millis timeout);

 private:
  Result<GroupDescription> DescribeOnce(const std::string& group,
                                        Millis timeout);
  Status AlterOffsetsOnce(const std::string& group,
                          const std::vector<PartitionOffset>& offsets,
                          Millis timeout);
  // The partitions of one answer, each with an error of its own.
  using Visit = std::function<Status(const rd_kafka_topic_partition_list_t&)>;
  Status AskOffsets(const std::string& group,
                    const rd_kafka_topic_partition_list_t* partitions,
                    WhichOffsets which, Millis timeout, const Visit& visit);
  Status AskOffsetsOnce(const std::string& group,
                        const rd_kafka_topic_partition_list_t* partitions,
                        WhichOffsets which, Millis timeout, const Visit& visit);

  AdminHandle& handle_;
};

// The partition of __consumer_offsets that holds the offsets of `group`, of
// `partitions` that there are: a Java hash of its name.
int32_t OffsetsPartition(const std::string& group, int32_t partitions);

}  // namespace tacho
