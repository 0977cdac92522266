#include "pipeline/offsets/group_status.h"

#include <algorithm>

#include "pipeline/restore/changelog.h"

namespace tacho {
namespace {

using Origin = OffsetMetadata::Origin;

Status AskPartitions(const std::string& topic, KafkaAdmin& admin,
                     std::optional<Timestamp> at_time, Millis timeout,
                     std::vector<PartitionStatus>& out) {
  ASSIGN_OR_RETURN(const int32_t count, admin.PartitionCount(topic, timeout));
  for (int32_t p = 0; p < count; ++p) {
    PartitionStatus partition;
    partition.tp = {topic, p};
    ASSIGN_OR_RETURN(const auto range, admin.LogRange(partition.tp, timeout));
    partition.log_start = range.first;
    partition.log_end = range.second;
    if (at_time.has_value()) {
      ASSIGN_OR_RETURN(partition.at_time,
                       admin.OffsetForTime(partition.tp, *at_time, timeout));
    }
    out.push_back(std::move(partition));
  }
  return Status::Ok();
}

Status AskOffsets(const std::string& group, KafkaAdmin& admin, Millis timeout,
                  std::vector<PartitionStatus>& partitions) {
  ASSIGN_OR_RETURN(const auto offsets, admin.GroupOffsets(group, timeout));
  for (const PartitionOffset& offset : offsets) {
    const auto found =
        std::find_if(partitions.begin(), partitions.end(),
                     [&](const auto& p) { return p.tp == offset.tp; });
    if (found == partitions.end()) continue;
    found->committed = offset.offset;
    found->text = offset.metadata;
    found->metadata = ParseOffsetMetadata(offset.metadata);
  }
  return Status::Ok();
}

Status AskChangelogs(const Job& job, KafkaAdmin& admin, Millis timeout,
                     GroupStatus& group_status) {
  ASSIGN_OR_RETURN(const auto topics, admin.Topics(timeout));
  for (const std::string& topic : topics) {
    for (const std::string& input : job.topics) {
      const auto generation = ChangelogGeneration(job.group.id, input, topic);
      if (!generation.has_value()) continue;
      ASSIGN_OR_RETURN(const int32_t partitions,
                       admin.PartitionCount(topic, timeout));
      ChangelogStatus& changelog = group_status.changelogs[input][*generation];
      for (int32_t p = 0; p < partitions; ++p) {
        ASSIGN_OR_RETURN(const auto range, admin.LogRange({topic, p}, timeout));
        changelog.extents.push_back(range);
      }
    }
  }
  return Status::Ok();
}

}  // namespace

bool ChangelogStatus::unused() const {
  return std::all_of(extents.begin(), extents.end(),
                     [](const auto& extent) { return extent.second == 0; });
}

Result<GroupStatus> AskGroupStatus(const Job& job, KafkaAdmin& admin,
                                   std::optional<Timestamp> at_time,
                                   Millis timeout) {
  GroupStatus group_status;
  group_status.job = job.name;
  group_status.group = job.group.id;
  group_status.guarantee = job.guarantee;
  ASSIGN_OR_RETURN(group_status.cluster_id, admin.ClusterId(timeout));
  std::vector<std::string> topics = job.topics;
  std::sort(topics.begin(), topics.end());
  for (const std::string& topic : topics) {
    RETURN_IF_ERROR(
        AskPartitions(topic, admin, at_time, timeout, group_status.partitions));
  }
  ASSIGN_OR_RETURN(group_status.description,
                   admin.DescribeGroup(job.group.id, timeout));
  RETURN_IF_ERROR(
      AskOffsets(job.group.id, admin, timeout, group_status.partitions));
  if (job.guarantee == Guarantee::kExactlyOnce) {
    RETURN_IF_ERROR(AskChangelogs(job, admin, timeout, group_status));
  }
  return group_status;
}

Status CheckStopped(const GroupStatus& group_status) {
  const GroupDescription& group = group_status.description;
  const bool stopped = group.state == "Empty" || group.state == "Dead";
  if (stopped && group.members.empty()) return Status::Ok();
  std::string members;
  for (const std::string& member : group.members) {
    members += (members.empty() ? "" : ", ") + member;
  }
  return InvalidArgument(
      "group " + group_status.group + " is " + group.state +
      (members.empty() ? "" : " with active members: " + members) +
      ". Stop all workers first; a static member is gone "
      "group.session_timeout after it stopped, or at once with --leave");
}

std::string DescribeMetadata(const PartitionStatus& partition) {
  if (partition.committed == kNoOffset) return "-";
  if (!partition.metadata.has_value()) {
    return partition.text.empty() ? "another tool"
                                  : "another tool: " + partition.text;
  }
  const OffsetMetadata& metadata = *partition.metadata;
  if (metadata.format < OffsetMetadata::kFormat) {
    return "tacho 0.1, generation " + std::to_string(metadata.generation);
  }
  if (metadata.format > OffsetMetadata::kFormat) {
    return "a later tacho (format " + std::to_string(metadata.format) + ")";
  }
  std::string text;
  switch (metadata.origin) {
    case Origin::kEpoch:
      text = "epoch " + std::to_string(metadata.epoch) + " of worker " +
             metadata.writer_id;
      break;
    case Origin::kResetKeep:
      text = "reset, state kept";
      break;
    case Origin::kResetWipe:
      text = "reset, state wiped";
      break;
    case Origin::kStart:
      text = "start of the group";
      break;
  }
  return text + ", generation " + std::to_string(metadata.generation) +
         ", job " + metadata.job;
}

}  // namespace tacho
