#include "pipeline/worker/start_policy.h"

#include <algorithm>
#include <string>

#include "pipeline/base/check.h"
#include "pipeline/commit/offset_metadata.h"

namespace tacho {
namespace {

// Short: what fails is tried again, and a revoke waits for the step in hand.
constexpr Millis kRequestTimeout{2000};
constexpr Millis kCommitOffsetsTimeout{5000};

}  // namespace

std::vector<TopicPartition> PartitionsOf(const std::string& topic,
                                         int32_t partitions) {
  std::vector<TopicPartition> all;
  for (int32_t p = 0; p < partitions; ++p) all.push_back({topic, p});
  return all;
}

Result<std::vector<PartitionOffset>> CommittedOfTopic(PartitionLog& log,
                                                      const std::string& topic,
                                                      int32_t partitions) {
  return log.Committed(PartitionsOf(topic, partitions), kRequestTimeout);
}

// Nobody has said where to start: the policy does, and what it says is
// committed before the first record, so that a crash from here on starts at
// the same place. `latest` is said once, by the owner of the topic's first
// partition, for every partition that is there when the group begins: so one
// that has no offset while the first has one appeared later, and holds nothing
// that the group has chosen to skip. From the beginning is the same for both.
Result<Offset> StartPolicy::Resolve() {
  const TopicPartition& tp = lane_.tp;
  if (reset_ == OffsetReset::kEarliest) {
    return CommitStarts({{tp}}, /*at_end=*/false);
  }
  ASSIGN_OR_RETURN(const auto known,
                   CommittedOfTopic(log_, tp.topic, lane_.input_partitions));
  const auto of = [&](int32_t partition) {
    const auto found = std::find_if(
        known.begin(), known.end(),
        [&](const auto& o) { return o.tp.partition == partition; });
    return found == known.end() ? PartitionOffset() : *found;
  };
  // Meanwhile, by the owner of the first.
  const Offset own = of(tp.partition).offset;
  if (own != kNoOffset) return own;
  const bool begun = std::any_of(known.begin(), known.end(), [](const auto& o) {
    return o.offset != kNoOffset;
  });
  if (tp.partition == 0) {
    if (begun || reset_ == OffsetReset::kLatest) {
      return CommitStarts(known, /*at_end=*/!begun);
    }
  } else if (of(0).offset != kNoOffset) {
    return CommitStarts({{tp}}, /*at_end=*/false);
  } else if (reset_ == OffsetReset::kLatest) {
    waits_for_owner_ = true;
    return Status(StatusCode::kUnavailable,
                  "the owner of " + TopicPartition{tp.topic, 0}.ToString() +
                      " has not committed yet where group " + lane_.group +
                      " starts",
                  /*retryable=*/true);
  }
  return InvalidArgument(
      "group " + lane_.group + " has no committed offset for " + tp.ToString() +
      " and group.offset_reset is none; set it to earliest or latest, or "
      "set the group's offsets: tacho offsets reset JOB.yaml --to ...");
}

// Of all partitions in `known` that have no offset; returns the lane's.
Result<Offset> StartPolicy::CommitStarts(
    const std::vector<PartitionOffset>& known, bool at_end) {
  OffsetMetadata metadata;
  metadata.generation = lane_.reset_generation;
  metadata.job = lane_.job;
  Offset start = kNoOffset;
  std::vector<PartitionOffset> starts;
  for (const PartitionOffset& o : known) {
    if (o.offset != kNoOffset) continue;
    ASSIGN_OR_RETURN(const auto range, log_.LogRange(o.tp, kRequestTimeout));
    const Offset offset = at_end ? range.second : range.first;
    starts.push_back({o.tp, offset, FormatOffsetMetadata(metadata)});
    if (o.tp == lane_.tp) start = offset;
  }
  CHECK(start != kNoOffset);
  RETURN_IF_ERROR(member_.CommitOffsets(starts, kCommitOffsetsTimeout));
  return start;
}

}  // namespace tacho
