#include "pipeline/offsets/changelog_rebuild.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "pipeline/restore/take_over.h"
#include "pipeline/worker/lane_factory.h"
#include "pipeline/worker/lane_set.h"
#include "state/changelog_record.h"
#include "state/rocksdb_store.h"

namespace tacho {
namespace {

using Kind = RebuildStep::Kind;

constexpr size_t kReadBytes = size_t{1} << 20;
constexpr size_t kRocksDbBytes = size_t{32} << 20;
constexpr Millis kPoll{5};

// Nothing runs.
class NoEvents final : public LaneEvents {
 public:
  void OnEpochFull() override {}
  void OnLaneFailed(Lane&, Status) override {}
};

// Calls `visit` with every record of a log that lies in `extent`.
Status ReadLog(Changelog& changelog, const RebuildStep& step,
               std::pair<Offset, Offset> extent, Millis timeout,
               const std::function<Status(const ChangelogRecord&)>& visit) {
  ASSIGN_OR_RETURN(
      const auto reader,
      changelog.Open(step.lane.tp, step.lane.reset_generation, extent.first));
  ChangelogChunk chunk;
  auto heard = std::chrono::steady_clock::now();
  while (reader->position() < extent.second) {
    const Offset before = reader->position();
    chunk.Clear();
    const Status read = reader->Read(chunk, kReadBytes);
    if (!read.ok() && !read.retryable()) return read;
    for (const ChangelogChunk::Entry& entry : chunk.entries()) {
      ASSIGN_OR_RETURN(
          const ChangelogRecord record,
          ParseChangelogRecord(chunk.Key(entry), chunk.Value(entry)));
      RETURN_IF_ERROR(visit(record));
    }
    const auto now = std::chrono::steady_clock::now();
    if (reader->position() > before) {
      heard = now;
    } else if (now - heard > timeout) {
      return {StatusCode::kUnavailable,
              "the changelog of " + step.lane.tp.ToString() +
                  " does not reach its end: a transaction on it is open"};
    } else {
      std::this_thread::sleep_for(kPoll);
    }
  }
  return Status::Ok();
}

// The last meta record of a log; nothing if it holds none that reads.
Result<std::optional<Marker>> LastMeta(Changelog& changelog,
                                       const RebuildStep& step,
                                       std::pair<Offset, Offset> extent,
                                       Millis timeout) {
  std::optional<Marker> last;
  const auto visit = [&](const ChangelogRecord& record) -> Status {
    if (record.kind != ChangelogRecord::kMeta) return Status::Ok();
    ASSIGN_OR_RETURN(last, DecodeMarker(record.value));
    return Status::Ok();
  };
  RETURN_IF_ERROR(ReadLog(changelog, step, extent, timeout, visit));
  return last;
}

std::optional<std::pair<Offset, Offset>> ExtentOf(
    const GroupStatus& group_status, const TopicPartition& tp,
    int64_t generation) {
  const auto input = group_status.changelogs.find(tp.topic);
  if (input == group_status.changelogs.end()) return std::nullopt;
  const auto found = input->second.find(generation);
  const auto index = static_cast<size_t>(tp.partition);
  if (found == input->second.end() || index >= found->second.extents.size()) {
    return std::nullopt;
  }
  return found->second.extents[index];
}

// The directories of copies that are exactly what the group has committed, and
// say that they are the group's.
std::vector<std::string> FindCopies(const HostCopies& copies,
                                    const RebuildStep& step) {
  std::vector<std::string> found;
  for (const std::string& dir : copies.Of(step.lane.tp)) {
    const auto marker = ReadRocksDbMarker(dir);
    if (!marker.ok() || !marker->has_value()) continue;
    const auto differences =
        CompareLanes(step.lane, (**marker).lane, FoundIn::kDirectory);
    if (!differences.empty() && differences.front().field <= LaneField::kJob) {
      continue;
    }
    if (!(*marker)->restoring && IsUntouched(step.committed, **marker)) {
      found.push_back(dir);
    }
  }
  return found;
}

Status PlanOne(const GroupStatus& group_status, const HostCopies& copies,
               Changelog& changelog, Millis timeout, RebuildStep& step) {
  const auto& metadata = step.committed.metadata;
  if (!metadata.has_value() ||
      metadata->origin != OffsetMetadata::Origin::kEpoch) {
    step.note = "no epoch has committed its offset";
    return Status::Ok();
  }
  RETURN_IF_ERROR(
      CheckMetadata(group_status.group, group_status.job, *metadata));
  const auto extent =
      ExtentOf(group_status, step.lane.tp, metadata->generation);
  // What stays in the log would stop whoever reads it.
  bool unfit = extent.has_value() && extent->first > 0;
  if (extent.has_value() && extent->first == 0 && extent->second > 0) {
    const auto last = LastMeta(changelog, step, *extent, timeout);
    unfit = last.status().code() == StatusCode::kCorruption;
    if (!last.ok() && !unfit) return last.status();
    if (last.ok() && last->has_value() && IsUntouched(step.committed, **last)) {
      step.kind = Kind::kWhole;
      step.note = "it ends with the epoch that the group has committed";
      return Status::Ok();
    }
  }
  step.dirs = FindCopies(copies, step);
  if (step.dirs.empty()) {
    step.kind = Kind::kMissing;
    step.note = "no copy on this host is of epoch " +
                std::to_string(metadata->epoch) + " of worker " +
                metadata->writer_id + "; run this where that worker ran";
    return Status::Ok();
  }
  step.kind = unfit ? Kind::kBlocked : Kind::kWrite;
  step.extent = extent.value_or(std::pair<Offset, Offset>(0, 0));
  step.note = unfit ? "there is a copy, but the log has lost its head or is "
                      "damaged; once each partition has a copy on some host, "
                      "delete the topic and run this again on each"
                    : "from " + step.dirs.front();
  return Status::Ok();
}

void AppendKey(TableId table, uint32_t tag, std::string_view key,
               StateChanges& changes) {
  changes.Begin(table, tag);
  changes.bytes().insert(changes.bytes().end(), key.begin(), key.end());
  changes.EndKey();
}

// Erasures of what the log still has and the lane's state has not: they lay in
// what the log has lost.
Status CollectErased(Changelog& changelog, const RebuildStep& step,
                     Millis timeout, StateChanges& changes) {
  std::set<std::pair<uint32_t, std::string>> stale;
  const auto visit = [&](const ChangelogRecord& record) {
    if (record.kind == ChangelogRecord::kPut) {
      stale.emplace(record.tag, record.key);
    }
    return Status::Ok();
  };
  RETURN_IF_ERROR(ReadLog(changelog, step, step.extent, timeout, visit));
  if (stale.empty()) return Status::Ok();
  for (const StateChanges::Change& change : changes.changes()) {
    const std::string_view key = changes.ChangelogKey(change);
    uint32_t tag = 0;
    std::memcpy(&tag, key.data() + 1, sizeof tag);
    stale.erase({tag, std::string(changes.Key(change))});
  }
  for (const auto& [tag, key] : stale) {
    AppendKey(0, tag, key, changes);
    changes.EndTombstone();
  }
  return Status::Ok();
}

// All rows of the lane's store, as an epoch would write them.
Status CollectRows(Lane& lane, StateChanges& changes) {
  const std::vector<std::string> names = lane.table_names();
  for (TableId table = 0; table < names.size(); ++table) {
    const uint32_t tag = TableTag(names[table]);
    const auto visit = [&](std::string_view key, std::string_view value) {
      RETURN_IF_ERROR(lane.CheckEntry(table, key, value));
      AppendKey(table, tag, key, changes);
      changes.bytes().insert(changes.bytes().end(), value.begin(), value.end());
      changes.EndValue();
      return Status::Ok();
    };
    RETURN_IF_ERROR(lane.store().Scan(table, {}, visit));
  }
  return Status::Ok();
}

Status CommitPart(LaneEpoch& part, const std::string& group,
                  EpochWriter& writer) {
  Epoch epoch;
  epoch.parts.push_back({&part, nullptr});
  epoch.membership.group_id = group;
  RETURN_IF_ERROR(writer.Begin());
  const auto commit = [&]() -> Status {
    RETURN_IF_ERROR(writer.Produce(part));
    RETURN_IF_ERROR(writer.Flush());
    RETURN_IF_ERROR(writer.SendOffsets(epoch));
    return writer.Commit(epoch);
  };
  Status status = commit();
  if (!status.ok()) writer.Abort();
  return status;
}

Status RebuildFrom(const std::string& dir, const Job& job,
                   const RebuildStep& step, Changelog& changelog,
                   EpochWriter& writer, Millis timeout) {
  RETURN_IF_ERROR(changelog.Prepare(step.lane.tp.topic,
                                    step.lane.input_partitions,
                                    step.lane.reset_generation, timeout));
  const RocksDbShared shared(kRocksDbBytes, kRocksDbBytes);
  ASSIGN_OR_RETURN(auto store, OpenRocksDbStore(dir, {}, shared));
  ASSIGN_OR_RETURN(const std::optional<Marker> marker, store->ReadMarker());
  if (!marker.has_value() || !IsUntouched(step.committed, *marker)) {
    return Corruption(dir + " is not what it was a moment ago");
  }
  LaneCounters counters(RejectSites(job.decode).size());
  NoEvents events;
  const LaneFactory factory(job, marker->writer_id, counters, events,
                            SystemClock());
  LaneSpec spec;
  spec.lane = step.lane;
  ASSIGN_OR_RETURN(const auto lane,
                   factory.Make(spec, nullptr, std::move(store)));
  RETURN_IF_ERROR(lane->Declare(*marker));

  LaneEpoch part;
  part.tp = step.lane.tp;
  part.changed = true;
  part.marker = *marker;
  // One of its own: whoever has the last one is told apart from who has this.
  ++part.marker.epoch;
  part.marker.changelog_next = kNoOffset;  // Of a log that is gone.
  part.marker.wall_time = SystemClock().Now();
  RETURN_IF_ERROR(CollectRows(*lane, part.changes));
  RETURN_IF_ERROR(CollectErased(changelog, step, timeout, part.changes));
  // Another log from here on, also where some of the old one is left: a copy
  // that knows more of that than is there must not be taken for its beginning.
  part.marker.log_id = DrawLogId();
  part.begins_log = true;
  RETURN_IF_ERROR(CommitPart(part, job.group.id, writer));
  // It is written: whatever the copy says now, no other one is to follow it.
  Status applied = lane->store().Apply(StateChanges(), part.marker);
  const Status closed = lane->Close();
  if (applied.ok()) applied = closed;
  if (applied.ok()) return applied;
  return {StatusCode::kIoError,
          "the changelog is written; the copy in " + dir +
              " did not take that and will be restored from it: " +
              applied.message()};
}

}  // namespace

size_t RebuildPlan::Count(RebuildStep::Kind kind) const {
  return static_cast<size_t>(
      std::count_if(steps.begin(), steps.end(),
                    [&](const RebuildStep& s) { return s.kind == kind; }));
}

Result<RebuildPlan> PlanRebuild(const Job& job, const GroupStatus& group_status,
                                const HostCopies& copies, Changelog& changelog,
                                Millis timeout) {
  if (job.guarantee != Guarantee::kExactlyOnce) {
    return InvalidArgument("job " + job.name +
                           " has no changelog: its guarantee is " +
                           GuaranteeName(job.guarantee));
  }
  RebuildPlan plan;
  for (const PartitionStatus& partition : group_status.partitions) {
    RebuildStep step;
    step.committed = {partition.committed, partition.metadata};
    const auto count = std::count_if(
        group_status.partitions.begin(), group_status.partitions.end(),
        [&](const auto& p) { return p.tp.topic == partition.tp.topic; });
    step.lane = IdentityOf(job, partition.tp, static_cast<int32_t>(count),
                           group_status.cluster_id);
    step.lane.reset_generation = partition.generation();
    RETURN_IF_ERROR(PlanOne(group_status, copies, changelog, timeout, step)
                        .With(partition.tp.ToString()));
    plan.steps.push_back(std::move(step));
  }
  return plan;
}

Status RebuildPartition(const Job& job, const RebuildStep& step,
                        Changelog& changelog, EpochWriter& writer,
                        Millis timeout) {
  Status status;
  for (const std::string& dir : step.dirs) {
    status = RebuildFrom(dir, job, step, changelog, writer, timeout);
    if (status.code() != StatusCode::kCorruption) return status;
    status = status.With("the copy in " + dir);
  }
  return status;
}

}  // namespace tacho
