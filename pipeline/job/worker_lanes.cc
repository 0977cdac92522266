// How a worker answers an assignment: where each lane starts, and with what
// state.

#include <algorithm>
#include <latch>
#include <utility>

#include "pipeline/base/log.h"
#include "pipeline/job/worker.h"

namespace tacho {
namespace {

constexpr Millis kCommitOffsetsTimeout{10000};
constexpr Millis kRequestTimeout{5000};
constexpr Millis kMetadataTimeout{2000};

}  // namespace

Status Worker::OpenLanes(const std::vector<TopicPartition>& partitions) {
  // The group's offsets of every partition of the topics: whether a partition
  // without one is new to an old group is seen from its siblings.
  std::vector<TopicPartition> all;
  for (const auto& [topic, count] : counts_) {
    for (int32_t p = 0; p < count; ++p) all.push_back({topic, p});
  }
  for (const TopicPartition& tp : partitions) {
    if (tp.partition >= counts_[tp.topic]) all.push_back(tp);
  }
  std::map<TopicPartition, Offset> committed;
  RETURN_IF_ERROR(Retry("committed offsets", [&] {
    auto answer = parts_.source->Committed(all, kRequestTimeout);
    if (!answer.ok()) return answer.status();
    for (const PartitionOffset& o : *answer) committed[o.tp] = o.offset;
    return Status::Ok();
  }));
  RETURN_IF_ERROR(CheckPartitionCounts());

  std::vector<PartitionOffset> starts;
  std::vector<PartitionOffset> resolved;
  for (const TopicPartition& tp : partitions) {
    LaneStart start;
    start.tp = tp;
    start.committed = committed[tp];
    const int32_t count = counts_[tp.topic];
    RETURN_IF_ERROR(lanes_->OpenStore(start, count).With(tp.ToString()));
    if (start.start == kNoOffset) {
      const bool old_group = std::any_of(
          committed.begin(), committed.end(), [&](const auto& entry) {
            return entry.first.topic == tp.topic && entry.second != kNoOffset;
          });
      ASSIGN_OR_RETURN(start.start, ResolveStart(tp, old_group));
      resolved.push_back({tp, start.start});
    }
    starts.push_back({tp, start.start});
    const auto end = ends_.find(tp);
    RETURN_IF_ERROR(lanes_->Add(std::move(start), count,
                                end == ends_.end() ? kNoOffset : end->second,
                                options_.close_at_end));
  }
  RETURN_IF_ERROR(parts_.source->Assign(starts));
  if (!resolved.empty()) {
    // Committed before the first record: a crash from here on starts at the
    // same place again.
    const Status status =
        parts_.source->CommitOffsets(resolved, kCommitOffsetsTimeout);
    if (!status.ok()) {
      LOG(kWarn, "start_not_committed", {{"reason", status.message()}});
    }
    // Also in the marker: otherwise a lane that had nothing to read yet would
    // look like one whose state stayed elsewhere.
    for (LaneSet::Entry& entry : lanes_->entries()) {
      entry.lane->RequireCommit();
    }
  }
  if (assigned_at_ == SteadyTime{}) assigned_at_ = clock_.Steady();
  return LoadLanes();
}

Result<Offset> Worker::ResolveStart(const TopicPartition& tp, bool old_group) {
  std::pair<Offset, Offset> range;
  RETURN_IF_ERROR(Retry("log range", [&] {
    auto answer = parts_.source->LogRange(tp, kRequestTimeout);
    if (answer.ok()) range = *answer;
    return answer.status();
  }));
  // A partition that appeared after the group's first commit holds nothing
  // that the group has chosen to skip.
  if (old_group) return range.first;
  switch (job_.group.offset_reset) {
    case OffsetReset::kEarliest:
      return range.first;
    case OffsetReset::kLatest:
      return range.second;
    case OffsetReset::kNone:
      break;
  }
  return InvalidArgument(
      "group " + job_.group.id + " has no committed offset for " +
      tp.ToString() +
      " and group.offset_reset is none; set it to earliest or latest, or set "
      "the group's offsets with kafka-consumer-groups.sh --reset-offsets");
}

// Loads all lanes side by side; each runs as soon as its own state is there.
Status Worker::LoadLanes() {
  std::vector<LaneSet::Entry>& entries = lanes_->entries();
  std::latch loaded(static_cast<ptrdiff_t>(entries.size()));
  for (LaneSet::Entry& entry : entries) {
    graph_->Post(entry.node, [this, &entry, &loaded] {
      const Status status = entry.lane->Load(entry.marker, entry.start);
      if (status.ok()) {
        lanes_->Run(entry);
      } else {
        OnLaneFailed(*entry.lane,
                     status.With("lane " + entry.lane->tp().ToString()));
      }
      loaded.count_down();
    });
  }
  loaded.wait();
  return Status::Ok();
}

Status Worker::CheckPartitionCounts() {
  const auto counts = parts_.source->PartitionCounts(kMetadataTimeout);
  if (!counts.ok()) return Status::Ok();  // Asked again at the next check.
  for (const auto& [topic, count] : *counts) {
    const int32_t before = counts_[topic];
    if (count == before) continue;
    if (job_.partitions_added == PartitionsAdded::kStop) {
      return InvalidArgument(
          "topic " + topic + " went from " + std::to_string(before) + " to " +
          std::to_string(count) +
          " partitions: keys move to other partitions and per-vehicle state "
          "does not follow. Set partitions_added: continue to accept that, or "
          "replay the topic into a new group");
    }
    LOG(kWarn, "partitions_added",
        {{"topic", topic}, {"before", before}, {"now", count}});
    counts_[topic] = count;
  }
  return Status::Ok();
}

}  // namespace tacho
