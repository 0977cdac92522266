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
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// A committed offset as the group's coordinator keeps it.
struct GroupOffset {
  TopicPartition tp;
  Offset offset = kNoOffset;  // kNoOffset: none.
  std::string metadata;

  bool operator==(const GroupOffset&) const = default;
};

struct GroupDescription {
  std::string state;  // "Stable", "Empty", "Dead", ... in Kafka's words.
  // "client-id on host" of each member, static ones with their instance id.
  std::vector<std::string> members;
};

// Questions and orders to a cluster beside the data flow: topics, their
// settings, groups and their offsets, ends of logs. One handle of its own,
// read uncommitted, member of no group.
//
// Threading: one thread at a time. Every call waits, up to `timeout`.
// Errors: kNotFound for a topic that is not there, kPermission, kUnavailable
// (retryable); messages name the topic or group.
class KafkaAdmin {
 public:
  static Result<std::unique_ptr<KafkaAdmin>> Open(
      const KafkaProperties& properties);
  ~KafkaAdmin();

  // Empty if the broker does not say.
  Result<std::string> ClusterId(Millis timeout);

  // The names of all topics that this client may see.
  Result<std::vector<std::string>> Topics(Millis timeout);
  Result<int32_t> PartitionCount(const std::string& topic, Millis timeout);
  // With the cluster's default replication. A topic that exists already is
  // success, whatever it looks like; waits until all partitions have leaders.
  Status CreateTopic(const std::string& topic, int32_t partitions,
                     const std::map<std::string, std::string>& config,
                     Millis timeout);
  // `total` is the new number of partitions; a topic that has as many or more
  // is success. Waits until all have leaders.
  Status AddPartitions(const std::string& topic, int32_t total, Millis timeout);
  // Settings by name, defaults of the cluster included.
  Result<std::map<std::string, std::string>> TopicConfig(
      const std::string& topic, Millis timeout);

  // First offset and high watermark.
  Result<std::pair<Offset, Offset>> LogRange(const TopicPartition& tp,
                                             Millis timeout);
  // The first offset whose Kafka timestamp is not before `time`; the end of
  // the log if there is none.
  Result<Offset> OffsetForTime(const TopicPartition& tp, Timestamp time,
                               Millis timeout);

  Result<GroupDescription> DescribeGroup(const std::string& group,
                                         Millis timeout);
  // All offsets that the group has, stable ones only.
  Result<std::vector<GroupOffset>> GroupOffsets(const std::string& group,
                                                Millis timeout);
  // REQUIRES: the group has no members (the broker refuses otherwise).
  Status AlterGroupOffsets(const std::string& group,
                           const std::vector<GroupOffset>& offsets,
                           Millis timeout);

 private:
  struct Impl;
  explicit KafkaAdmin(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace tacho
