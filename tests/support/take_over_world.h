#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pipeline/base/check.h"
#include "pipeline/commit/offset_metadata.h"
#include "pipeline/job/job_parser.h"
#include "pipeline/worker/lane_take_over.h"
#include "tests/support/fake_changelog.h"
#include "tests/support/fake_group_member.h"
#include "tests/support/fake_partition_log.h"
#include "tests/support/manual_clock.h"
#include "tests/support/watched_stores.h"

namespace tacho {

// One partition's world as a take-over finds it: log, group offsets, changelog
// and disk, in memory, and lanes that commit epochs into it without a worker.
class TakeOverWorld final : public LaneEvents {
 public:
  static constexpr int32_t kPartitions = 4;

  explicit TakeOverWorld(const std::string& yaml) {
    ParsedJob parsed = ParseJob(yaml);
    CHECK(parsed.ok());
    job = std::move(parsed.job);
    std::vector<TopicPartition> all;
    for (int32_t p = 0; p < kPartitions; ++p) all.push_back({"in", p});
    CHECK(member.Assign(all).ok());
  }

  void OnEpochFull() override {}
  void OnLaneFailed(Lane&, Status status) override { failure = status; }

  TakeOverContext Context() {
    return {job,
            member,
            partitions,
            stores,
            job.guarantee == Guarantee::kExactlyOnce ? &changelog : nullptr,
            factory,
            counters,
            clock};
  }
  TakeOverRequest Request(uint64_t ticket = 1) {
    TakeOverRequest request;
    request.spec.lane = IdentityOf(job, tp, input_partitions, cluster_id);
    request.reader = member.MakeReader(tp);
    request.ticket = ticket;
    return request;
  }

  // What the coordinator says now.
  PartitionOffset Committed() {
    const auto answer = partitions.Committed({tp}, Millis(1));
    CHECK(answer.ok());
    return answer->front();
  }

  // As the take-over thread does, without its patience: up to `steps` pieces.
  // Not ok: what the last one said.
  Status Drive(LaneTakeOver& take_over, int steps = 1000) {
    for (; steps > 0 && !take_over.done(); --steps) {
      if (take_over.needs_committed()) take_over.SetCommitted(Committed());
      const Result<bool> stepped = take_over.Step();
      if (!stepped.ok()) return stepped.status();
    }
    return Status::Ok();
  }

  // Takes the partition over and loads its state.
  Result<TakenOverLane> TakeOver() {
    TakeOverContext context = Context();
    LaneTakeOver take_over(Request(), context);
    RETURN_IF_ERROR(Drive(take_over));
    CHECK(take_over.done());
    TakenOverLane taken = take_over.Take();
    if (!taken.loaded) {
      if (taken.begins_log) taken.lane->BeginLog();
      RETURN_IF_ERROR(taken.lane->Load(taken.marker, taken.start));
    }
    return taken;
  }

  // `lane` processes what there is and commits it as an epoch: changelog,
  // offset, and, if `applied`, its store.
  void CommitEpoch(Lane& lane, bool applied = true) {
    Batch batch(job.schema);
    lane.RequireCommit();
    while (lane.RunTurn(batch)) batch.Clear();
    CHECK(failure.ok());
    LaneEpoch& part = lane.Freeze();
    CHECK(part.changed);
    const FakeLogId id{tp, part.marker.lane.reset_generation};
    const auto txn = cluster.Begin();
    cluster.AppendEpoch(txn, id, part.changes, part.marker, part.begins_log);
    part.marker.changelog_next = cluster.Range(id).second;
    cluster.Commit(txn);
    SetCommitted(part.marker.next_offset, MetadataOf(part.marker));
    if (!applied) return;
    CHECK(lane.Apply(part).ok());
    lane.Applied();
  }
  void SetCommitted(Offset offset, const OffsetMetadata& metadata) {
    const std::lock_guard lock(log.mutex);
    log.committed[tp] = offset;
    log.metadata[tp] = FormatOffsetMetadata(metadata);
  }

  // `messages` more, one a second.
  void Append(int messages) {
    for (int i = 0; i < messages; ++i, ++second_) {
      log.Append(tp, "k",
                 "{\"v\":\"car\",\"ts\":" +
                     std::to_string(1700000000000 + second_ * 1000) +
                     ",\"s\":50}");
    }
  }

  // `epochs` of ten messages each; the last is where the group is. What is on
  // this disk stops after `on_disk` of them.
  void LiveThrough(int epochs, int on_disk) {
    auto lane = TakeOver();
    CHECK(lane.ok());
    for (int i = 0; i < epochs; ++i) {
      Append(10);
      CommitEpoch(*lane->lane);
      if (i + 1 != on_disk) continue;
      kept_ = std::make_shared<MemoryStore>();
      Copy(*lane->lane, *kept_);
    }
    CHECK(lane->lane->Close().ok());
    if (on_disk < epochs) disk[tp] = on_disk == 0 ? nullptr : kept_;
    if (on_disk == 0) disk.erase(tp);
  }

  std::optional<Marker> OnDisk() {
    const auto found = disk.find(tp);
    if (found == disk.end() || found->second == nullptr) return std::nullopt;
    return *found->second->ReadMarker();
  }

  TopicPartition tp{"in", 1};
  int32_t input_partitions = kPartitions;
  std::string cluster_id = "fake-cluster";
  Job job;
  ManualClock clock;
  FakeLog log{{{"in", kPartitions}}};
  FakeGroupMember member{log};
  FakePartitionLog partitions{log};
  FakeChangelogCluster cluster;
  FakeChangelog changelog{cluster};
  MemoryLaneStores::Disk disk;
  MemoryLaneStores::Siblings siblings;
  MemoryLaneStores::Faults faults;
  MemoryLaneStores memory{disk, siblings, faults};
  WatchedStores stores{memory};
  LaneCounters counters{64};
  Status failure;  // Of a lane.
  LaneFactory factory{job, memory.writer_id(), counters, *this, clock};

 private:
  // All that a lane's store holds.
  static void Copy(Lane& lane, MemoryStore& to) {
    const auto names = lane.table_names();
    CHECK(to.OpenTables(names).ok());
    StateChanges changes;
    for (TableId table = 0; table < names.size(); ++table) {
      const auto visit = [&](std::string_view key, std::string_view value) {
        changes.Begin(table, TableTag(names[table]));
        changes.bytes().insert(changes.bytes().end(), key.begin(), key.end());
        changes.EndKey();
        changes.bytes().insert(changes.bytes().end(), value.begin(),
                               value.end());
        changes.EndValue();
        return Status::Ok();
      };
      CHECK(lane.store().Scan(table, {}, visit).ok());
    }
    const auto marker = lane.store().ReadMarker();
    CHECK(marker.ok() && marker->has_value());
    CHECK(to.Apply(changes, **marker).ok());
    CHECK(to.Close().ok());
  }

  std::shared_ptr<MemoryStore> kept_;
  int64_t second_ = 0;
};

}  // namespace tacho
