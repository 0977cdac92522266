#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/commit/offset_metadata.h"
#include "pipeline/job/job.h"
#include "pipeline/kafka/kafka_admin.h"

namespace tacho {

// One input partition, as its group and its log have it.
struct PartitionStatus {
  TopicPartition tp;
  Offset committed = kNoOffset;
  std::string text;                        // Beside the committed offset.
  std::optional<OffsetMetadata> metadata;  // Nothing: not written by tacho.
  Offset log_start = 0;
  Offset log_end = 0;
  Offset at_time = kNoOffset;  // First of `at_time`, if that was asked.

  int64_t generation() const { return metadata ? metadata->generation : 0; }
};

// One changelog topic of an input: a reset generation.
struct ChangelogStatus {
  // First and next offset by partition, uncommitted records included.
  std::vector<std::pair<Offset, Offset>> extents;

  // Never written to: a log that lost its records still has its end.
  bool unused() const;
};

// All there is to know about where a job's group stands.
struct GroupStatus {
  std::string job;
  std::string group;
  std::string cluster_id;
  Guarantee guarantee = Guarantee::kExactlyOnce;
  GroupDescription description;
  std::vector<PartitionStatus> partitions;  // By topic and number.
  // By input topic and generation; exactly once only.
  std::map<std::string, std::map<int64_t, ChangelogStatus>> changelogs;
};

// Asks the cluster, each call up to `timeout`; changes nothing.
// Errors: kNotFound for an input topic that is not there, kPermission,
// kUnavailable (also while a transaction of the group is open).
Result<GroupStatus> AskGroupStatus(const Job& job, KafkaAdmin& admin,
                                   std::optional<Timestamp> at_time,
                                   Millis timeout);

// kInvalidArgument, naming the members, unless the group is stopped.
Status CheckStopped(const GroupStatus& group_status);

// "epoch 7 of worker W, generation 0, job J"; "-" if there is no offset.
std::string DescribeMetadata(const PartitionStatus& partition);

}  // namespace tacho
