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
Result<Offset> StartPolicy::Resolve(const TopicPartition& tp,
                                    int32_t partitions) {
  const OffsetReset policy = job_.group.offset_reset;
  if (policy == OffsetReset::kEarliest) {
    return CommitStarts({{tp}}, tp, /*at_end=*/false);
  }
  ASSIGN_OR_RETURN(const auto known,
                   CommittedOfTopic(log_, tp.topic, partitions));
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
    if (begun || policy == OffsetReset::kLatest) {
      return CommitStarts(known, tp, /*at_end=*/!begun);
    }
  } else if (of(0).offset != kNoOffset) {
    return CommitStarts({{tp}}, tp, /*at_end=*/false);
  } else if (policy == OffsetReset::kLatest) {
    waits_for_owner_ = true;
    return Status(StatusCode::kUnavailable,
                  "the owner of " + TopicPartition{tp.topic, 0}.ToString() +
                      " has not committed yet where group " + job_.group.id +
                      " starts",
                  /*retryable=*/true);
  }
  return InvalidArgument(
      "group " + job_.group.id + " has no committed offset for " +
      tp.ToString() +
      " and group.offset_reset is none; set it to earliest or latest, or "
      "set the group's offsets: tacho offsets reset JOB.yaml --to ...");
}

// Of all partitions in `known` that have no offset; returns that of `tp`.
Result<Offset> StartPolicy::CommitStarts(
    const std::vector<PartitionOffset>& known, const TopicPartition& tp,
    bool at_end) {
  OffsetMetadata metadata;
  metadata.generation = generation_;
  metadata.job = job_.name;
  Offset start = kNoOffset;
  std::vector<PartitionOffset> starts;
  for (const PartitionOffset& o : known) {
    if (o.offset != kNoOffset) continue;
    ASSIGN_OR_RETURN(const auto range, log_.LogRange(o.tp, kRequestTimeout));
    const Offset offset = at_end ? range.second : range.first;
    starts.push_back({o.tp, offset, FormatOffsetMetadata(metadata)});
    if (o.tp == tp) start = offset;
  }
  CHECK(start != kNoOffset);
  RETURN_IF_ERROR(member_.CommitOffsets(starts, kCommitOffsetsTimeout));
  return start;
}

}  // namespace tacho
