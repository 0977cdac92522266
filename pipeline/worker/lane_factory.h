#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <utility>

#include "pipeline/job/job.h"
#include "pipeline/lane/epoch_budget.h"
#include "pipeline/lane/lane.h"
#include "pipeline/worker/lane_set.h"

namespace tacho {

// What differs from lane to lane.
struct LaneSpec {
  LaneIdentity lane;
  Offset end_offset = kNoOffset;  // Exclusive; kNoOffset: no end.
  bool close_at_end = false;
};

// The identity of a job's lane, but for its tables and, as long as nobody has
// asked, its reset generation.
LaneIdentity IdentityOf(const Job& job, const TopicPartition& tp,
                        int32_t input_partitions,
                        const std::string& cluster_id);

// Makes lanes as the job describes them: decoder, streams, limits, sinks.
// Threading: any thread.
class LaneFactory {
 public:
  LaneFactory(const Job& job, std::string writer_id, LaneCounters& counters,
              LaneEvents& events, const Clock& clock);

  // Before the first lane is made. `epochs` is shared by all of them.
  void SetMemory(std::shared_ptr<EpochBudget> epochs, size_t drain_bytes) {
    epochs_ = std::move(epochs);
    drain_bytes_ = drain_bytes;
  }
  // Before the first lane of an assignment is made.
  void SetStateBytes(size_t bytes) { state_bytes_ = bytes; }

  Result<std::unique_ptr<Lane>> Make(const LaneSpec& spec,
                                     std::unique_ptr<PartitionReader> reader,
                                     std::unique_ptr<StateStore> store) const;

 private:
  const Job& job_;
  const std::string writer_id_;
  LaneCounters& counters_;
  LaneEvents& events_;
  const Clock& clock_;
  std::shared_ptr<EpochBudget> epochs_;
  size_t drain_bytes_ = size_t{1} << 20;
  std::atomic<size_t> state_bytes_{size_t{32} << 20};  // Of a lane.
};

}  // namespace tacho
