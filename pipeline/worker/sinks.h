#pragma once

#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/status.h"
#include "pipeline/commit/kafka_at_least_once.h"
#include "pipeline/job/job.h"
#include "pipeline/lane/lane.h"

namespace tacho {

// Numbers the topics that a job writes to: one sink a topic, rejects first,
// then late records, then the streams' outputs in file order.
class JobSinks {
 public:
  explicit JobSinks(const Job& job);

  std::optional<SinkId> rejects() const { return rejects_; }
  std::optional<SinkId> late() const { return late_; }
  SinkId OfStream(size_t stream) const { return streams_[stream]; }
  const std::vector<Sink>& sinks() const { return sinks_; }
  // True if more than one writer shares a sink: their outputs are merged.
  bool shared() const { return shared_; }

 private:
  SinkId Number(const std::string& topic, bool log_time_stamps);

  std::vector<Sink> sinks_;
  std::optional<SinkId> rejects_;
  std::optional<SinkId> late_;
  std::vector<SinkId> streams_;
  bool shared_ = false;
};

// Builds the job's streams over a lane.
Status AddStreams(const Job& job, const JobSinks& sinks, Lane& lane);

}  // namespace tacho
