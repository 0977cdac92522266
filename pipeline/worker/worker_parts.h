#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "pipeline/base/time.h"
#include "pipeline/commit/epoch_writer.h"
#include "pipeline/consume/group_member.h"
#include "pipeline/consume/partition_log.h"
#include "pipeline/job/output_limits.h"
#include "pipeline/restore/changelog.h"
#include "pipeline/worker/lane_stores.h"
#include "pipeline/worker/memory_plan.h"

namespace tacho {

struct WorkerOptions {
  int threads = 0;               // TBB workers; 0: one a core.
  bool leave = false;            // A static member leaves the group on stop.
  bool until_end = false;        // Stop at the ends captured at start.
  bool close_at_end = false;     // And emit what is still open there.
  Millis broker_timeout{60000};  // How long an absent broker is waited for.
  bool preflight = true;         // Ask first whether all is there.
  Millis report_interval{10000};
  // How often idle lanes are looked for; 0: a sixth of idle_timeout, 1 to 10 s.
  Millis idle_interval{0};
  // How often the settings of changelogs in use are looked at again.
  Millis changelog_check{60000};
};

// What the worker is made of, by seam: made in the wiring, faked in tests.
struct WorkerParts {
  std::unique_ptr<GroupMember> member;
  std::unique_ptr<PartitionLog> log;
  // What the cluster lacks, before anything is joined; null: not asked.
  std::function<Result<OutputLimits>()> preflight;
  // How memory is split, once the partition counts are known; null: as on a
  // machine without limits.
  std::function<Result<MemoryPlan>(const MemoryPlan::Load&)> plan;
  // Made once the partition counts are known; closed before `member` is.
  std::function<Result<std::unique_ptr<EpochWriter>>(int32_t input_partitions)>
      make_writer;
  std::unique_ptr<LaneStores> stores;
  std::unique_ptr<Changelog> changelog;  // Exactly once only.
};

// Lag and position of one lane, for people and metrics. kNoOffset: not known.
struct LaneReport {
  TopicPartition tp;
  Offset next_offset = kNoOffset;
  Offset end_offset = kNoOffset;
  // All that is committed was read, and there is more: a transaction is open.
  bool held_up = false;
};

// Where a worker stands.
struct WorkerProgress {
  size_t lanes = 0;             // That run.
  std::optional<int> assigned;  // Partitions; none: no assignment yet.
  std::optional<int64_t> lag;   // Messages; none: of some partition not known.
  std::string waiting_for;      // For people; empty: for nothing but messages.
};

}  // namespace tacho
