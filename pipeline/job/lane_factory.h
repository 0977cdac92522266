#pragma once

#include <memory>
#include <string>
#include <utility>

#include "pipeline/job/job.h"
#include "pipeline/job/lane_set.h"
#include "pipeline/job/preflight.h"
#include "pipeline/lane/lane.h"

namespace tacho {

// What differs from lane to lane.
struct LaneSpec {
  TopicPartition tp;
  int32_t input_partitions = 0;
  Offset end_offset = kNoOffset;  // Exclusive; kNoOffset: no end.
  bool close_at_end = false;
  std::string cluster_id;
  int64_t reset_generation = 0;
};

// Makes lanes as the job describes them: decoder, streams, limits, sinks.
// Threading: any thread.
class LaneFactory {
 public:
  LaneFactory(const Job& job, std::string writer_id, LaneCounters& counters,
              LaneEvents& events, const Clock& clock);

  // Before the first lane is made.
  void SetLimits(OutputLimits limits) { limits_ = std::move(limits); }

  Result<std::unique_ptr<Lane>> Make(const LaneSpec& spec,
                                     std::unique_ptr<PartitionReader> reader,
                                     std::unique_ptr<StateStore> store) const;

 private:
  const Job& job_;
  const std::string writer_id_;
  LaneCounters& counters_;
  LaneEvents& events_;
  const Clock& clock_;
  OutputLimits limits_;
};

}  // namespace tacho
