#include "pipeline/offsets/offset_reset.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "pipeline/base/check.h"
#include "pipeline/base/fail_point.h"
#include "pipeline/base/iso8601.h"
#include "pipeline/commit/offset_metadata.h"

namespace tacho {
namespace {

using Kind = ResetTarget::Kind;

bool Selected(const ResetRequest& request, const TopicPartition& tp) {
  if (!request.topic.empty() && tp.topic != request.topic) return false;
  return request.partitions.empty() ||
         std::find(request.partitions.begin(), request.partitions.end(),
                   tp.partition) != request.partitions.end();
}

Status CheckRequest(const GroupStatus& group_status,
                    const ResetRequest& request) {
  std::string topic = request.topic;
  std::string topics;
  int32_t count = 0;
  for (const PartitionStatus& partition : group_status.partitions) {
    const std::string& name = partition.tp.topic;
    if (partition.tp.partition == 0)
      topics += (topics.empty() ? "" : ", ") + name;
    if (topic.empty()) topic = name;
    if (name == topic) ++count;
  }
  if (count == 0) {
    return InvalidArgument("topic " + topic + " is not an input of job " +
                           group_status.job + "; its inputs: " + topics);
  }
  if (request.partitions.empty()) return Status::Ok();
  if (request.wipe && group_status.guarantee == Guarantee::kExactlyOnce) {
    return InvalidArgument(
        "--state wipe begins a new changelog for a whole topic; leave out "
        "--partition, or keep the state");
  }
  if (request.topic.empty() && topics != topic) {
    return InvalidArgument("--partition: say with --topic of which: " + topics);
  }
  for (const int32_t p : request.partitions) {
    if (p >= 0 && p < count) continue;
    return InvalidArgument("topic " + topic + " has no partition " +
                           std::to_string(p) + ": it has " +
                           std::to_string(count));
  }
  return Status::Ok();
}

void SetTarget(const PartitionStatus& partition, const ResetTarget& target,
               PlannedMove& move) {
  switch (target.kind) {
    case Kind::kEarliest:
      move.to = partition.log_start;
      return;
    case Kind::kLatest:
      move.to = partition.log_end;
      return;
    case Kind::kTime:
      CHECK(partition.at_time != kNoOffset);
      move.to = partition.at_time;
      if (move.to == partition.log_end) {
        move.note = "no message of that time or later: the log's end";
      }
      return;
    case Kind::kOffset:
      move.to =
          std::clamp(target.offset, partition.log_start, partition.log_end);
      if (move.to > target.offset) {
        move.note = "clamped: the log begins here";
      } else if (move.to < target.offset) {
        move.note = "clamped: the log ends here";
      }
      return;
  }
}

// State of another job or of 0.1 can be dropped, but not kept.
Status CheckWhose(const GroupStatus& group_status,
                  const PartitionStatus& partition, bool wipe,
                  PlannedMove& move) {
  if (!partition.metadata.has_value()) return Status::Ok();
  const OffsetMetadata& metadata = *partition.metadata;
  const auto refusal =
      RefuseMetadata(group_status.group, group_status.job, metadata);
  if (!refusal.has_value()) return Status::Ok();
  if (!wipe || metadata.format > OffsetMetadata::kFormat) {
    return refusal->ToStatus();
  }
  const bool of_01 = metadata.format < OffsetMetadata::kFormat;
  move.note += (move.note.empty() ? "" : "; ") +
               (of_01 ? "drops state of tacho 0.1"
                      : "drops state of job " + metadata.job);
  return Status::Ok();
}

// Higher than any partition's and than any changelog's that is in use.
int64_t NextGeneration(const GroupStatus& group_status,
                       const std::string& topic) {
  int64_t next = 1;
  for (const PartitionStatus& partition : group_status.partitions) {
    if (partition.tp.topic == topic) {
      next = std::max(next, partition.generation() + 1);
    }
  }
  const auto changelogs = group_status.changelogs.find(topic);
  if (changelogs == group_status.changelogs.end()) return next;
  const auto& [last, changelog] = *changelogs->second.rbegin();
  const auto partitions = static_cast<size_t>(std::count_if(
      group_status.partitions.begin(), group_status.partitions.end(),
      [&](const auto& partition) { return partition.tp.topic == topic; }));
  const bool good =
      changelog.unused() && changelog.extents.size() == partitions;
  return std::max(next, good ? last : last + 1);
}

// The generation of a partition whose offset does not name it (it has expired,
// or another tool has moved it), found as taking over finds it: the others',
// else the last that was written to.
int64_t CurrentGeneration(const GroupStatus& group_status,
                          const PartitionStatus& partition) {
  if (partition.metadata.has_value()) return partition.metadata->generation;
  std::optional<int64_t> known;
  for (const PartitionStatus& other : group_status.partitions) {
    if (other.tp.topic != partition.tp.topic || !other.metadata) continue;
    known = std::max(known.value_or(0), other.metadata->generation);
  }
  if (known.has_value()) return *known;
  const auto changelogs = group_status.changelogs.find(partition.tp.topic);
  if (changelogs == group_status.changelogs.end()) return 0;
  for (auto it = changelogs->second.rbegin(); it != changelogs->second.rend();
       ++it) {
    if (!it->second.unused()) return it->first;
  }
  return 0;
}

void AddChangelog(const GroupStatus& group_status, const std::string& input,
                  int64_t generation, ResetPlan& plan) {
  PlannedChangelog planned{input, generation, 0, false};
  for (const PartitionStatus& partition : group_status.partitions) {
    if (partition.tp.topic == input) ++planned.partitions;
  }
  const auto changelogs = group_status.changelogs.find(input);
  planned.exists = changelogs != group_status.changelogs.end() &&
                   changelogs->second.contains(generation);
  plan.changelogs.push_back(std::move(planned));
}

}  // namespace

Result<ResetTarget> ParseResetTarget(std::string_view text) {
  ResetTarget target;
  if (text == "earliest") return target;
  target.kind = Kind::kLatest;
  if (text == "latest") return target;
  target.kind = Kind::kOffset;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, target.offset);
  if (parsed.ec == std::errc() && parsed.ptr == end && target.offset >= 0) {
    return target;
  }
  target = {.kind = Kind::kTime};
  if (!ParseIso8601(text, target.time).has_value()) return target;
  return InvalidArgument(
      "'" + std::string(text) +
      "' is not a place in a log; write earliest, latest, an offset in digits, "
      "or a time with its zone: 2026-01-26T16:00:00Z");
}

Result<ResetPlan> PlanReset(const GroupStatus& group_status,
                            const ResetRequest& request) {
  RETURN_IF_ERROR(CheckRequest(group_status, request));
  const bool exactly_once = group_status.guarantee == Guarantee::kExactlyOnce;
  ResetPlan plan;
  plan.group = group_status.group;
  plan.job = group_status.job;
  plan.wipe = request.wipe;
  for (const PartitionStatus& partition : group_status.partitions) {
    if (!Selected(request, partition.tp)) continue;
    PlannedMove move;
    move.tp = partition.tp;
    move.from = partition.committed;
    SetTarget(partition, request.target, move);
    RETURN_IF_ERROR(CheckWhose(group_status, partition, request.wipe, move));
    const bool begins = request.wipe || !exactly_once;
    move.generation = begins ? NextGeneration(group_status, partition.tp.topic)
                             : CurrentGeneration(group_status, partition);
    const bool first =
        plan.moves.empty() || plan.moves.back().tp.topic != move.tp.topic;
    if (request.wipe && exactly_once && first) {
      AddChangelog(group_status, move.tp.topic, move.generation, plan);
    }
    plan.moves.push_back(std::move(move));
  }
  return plan;
}

Status ApplyReset(
    const ResetPlan& plan, Changelog* changelog,
    const std::function<Status(const std::vector<PartitionOffset>&)>&
        move_offsets,
    Millis timeout) {
  for (const PlannedChangelog& planned : plan.changelogs) {
    RETURN_IF_ERROR(changelog->Prepare(planned.input, planned.partitions,
                                       planned.generation, timeout));
  }
  FAIL_POINT("offsets.after_create");
  OffsetMetadata metadata;
  metadata.job = plan.job;
  metadata.origin = plan.wipe ? OffsetMetadata::Origin::kResetWipe
                              : OffsetMetadata::Origin::kResetKeep;
  std::vector<PartitionOffset> offsets;
  for (const PlannedMove& move : plan.moves) {
    metadata.generation = move.generation;
    offsets.push_back({move.tp, move.to, FormatOffsetMetadata(metadata)});
  }
  return move_offsets(offsets);
}

}  // namespace tacho
