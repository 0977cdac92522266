// How a worker shares its memory, and says when a share is too small.

#include <algorithm>

#include "pipeline/base/log.h"
#include "pipeline/job/scalars.h"
#include "pipeline/worker/worker.h"

namespace tacho {
namespace {

// Between two looks; fewer cost nothing that anybody would notice.
constexpr uint64_t kReadsWorthSaying = 2000;

}  // namespace

Status Worker::ShareMemory() {
  MemoryPlan::Load load;
  load.partitions = 0;
  for (const auto& [topic, count] : input_.counts()) load.partitions += count;
  load.threads = graph_->threads();
  load.input_message_bytes = input_message_bytes_;
  ASSIGN_OR_RETURN(memory_, parts_.plan != nullptr
                                ? parts_.plan(load)
                                : PlanMemory(job_, MachineLimits(), load));
  LogMemoryPlan(memory_);
  epochs_->SetBytes(memory_.commit_bytes);
  factory_.SetMemory(epochs_, memory_.drain_bytes);
  turns_.SetMost(static_cast<size_t>(memory_.partitions));
  parts_.stores->SetOpenFiles(memory_.files_per_lane);
  return parts_.member->SetFetchLimits(memory_.fetch);
}

void Worker::WarnOfStateReads() {
  const uint64_t reads = Totals().state_reads.value() - state_reads_;
  state_reads_ += reads;
  if (reads < kReadsWorthSaying) return;
  size_t wanted = 0;  // Of the lane that wants most; all get the same.
  size_t lanes = 0;
  lanes_->ForEach([&](Lane& lane) {
    wanted = std::max(wanted, lane.wanted_state_bytes());
    ++lanes;
  });
  if (wanted == 0) return;
  LOG(kWarn, "state_memory",
      {{"reads", reads},
       {"lanes", lanes},
       {"state_bytes", memory_.state_bytes},
       {"wanted_bytes", wanted * lanes},
       {"reason",
        "decoded state does not fit its part of memory.limit and is read back "
        "from disk, which is slow; set memory.limit to about " +
            FormatSize(memory_.LimitForState(wanted * lanes))}});
}

}  // namespace tacho
