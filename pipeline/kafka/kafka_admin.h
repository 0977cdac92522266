#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "pipeline/kafka/kafka_groups.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

struct TopicShape {
  int32_t partitions = 0;
  int32_t replication = 0;  // The least of any partition.
};

// Questions and orders to a cluster beside the data flow: topics, their
// settings, groups and their offsets, ends of logs. One handle of its own,
// read uncommitted, member of no group.
//
// Threading: one thread at a time. Every call waits, up to `timeout`; after one
// that has waited in vain the handle is made anew (AdminHandle).
// Errors: kNotFound for a topic that is not there, kPermission, kUnavailable
// (retryable); messages name the topic or group.
class KafkaAdmin {
 public:
  static Result<std::unique_ptr<KafkaAdmin>> Open(
      const KafkaProperties& properties);
  ~KafkaAdmin();

  // Never empty.
  Result<std::string> ClusterId(Millis timeout);

  // Ids of the brokers that are up.
  Result<std::vector<int32_t>> Brokers(Millis timeout);

  // The names of all topics that this client may see.
  Result<std::vector<std::string>> Topics(Millis timeout);
  Result<int32_t> PartitionCount(const std::string& topic, Millis timeout);
  Result<TopicShape> Shape(const std::string& topic, Millis timeout);
  // With the cluster's default replication. A topic that exists already is
  // success, whatever it looks like; waits until all partitions have leaders.
  Status CreateTopic(const std::string& topic, int32_t partitions,
                     const std::map<std::string, std::string>& config,
                     Millis timeout);
  // Adds partitions to a topic that has fewer; waits until all have leaders.
  Status CreatePartitions(const std::string& topic, int32_t partitions,
                          Millis timeout);
  // Whether CreateTopic would be let do it; creates nothing.
  Status CheckCreateTopic(const std::string& topic, int32_t partitions,
                          const std::map<std::string, std::string>& config,
                          Millis timeout);
  // Settings by name, defaults of the cluster included.
  Result<std::map<std::string, std::string>> TopicConfig(
      const std::string& topic, Millis timeout);
  Result<std::map<std::string, std::string>> BrokerConfig(int32_t broker,
                                                          Millis timeout);

  // First offset and high watermark.
  Result<std::pair<Offset, Offset>> LogRange(const TopicPartition& tp,
                                             Millis timeout);
  // The first offset whose Kafka timestamp is not before `time`; the end of
  // the log if there is none.
  Result<Offset> OffsetForTime(const TopicPartition& tp, Timestamp time,
                               Millis timeout);

  Result<GroupDescription> DescribeGroup(const std::string& group,
                                         Millis timeout);
  // All offsets that the group has. kStable: waits for transactions that move
  // them; kAny: those that are committed by now.
  using Offsets = WhichOffsets;
  Result<std::vector<PartitionOffset>> GroupOffsets(
      const std::string& group, Millis timeout,
      Offsets which = Offsets::kStable);
  // Those of `partitions` whose offset a transaction that is open will move.
  Result<std::vector<TopicPartition>> UnstableOffsets(
      const std::string& group, const std::vector<TopicPartition>& partitions,
      Millis timeout);
  // REQUIRES: the group has no members (the broker refuses otherwise).
  Status AlterGroupOffsets(const std::string& group,
                           const std::vector<PartitionOffset>& offsets,
                           Millis timeout);

 private:
  struct Impl;
  explicit KafkaAdmin(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tacho
