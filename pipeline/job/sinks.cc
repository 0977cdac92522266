#include "pipeline/job/sinks.h"

#include <algorithm>
#include <utility>

namespace tacho {

JobSinks::JobSinks(const Job& job) {
  if (job.rejects.action == OnReject::kTopic) {
    rejects_ = Number(job.rejects.topic, false);
  }
  if (job.late.action == OnReject::kTopic) {
    late_ = Number(job.late.topic, false);
    // Every stream may write late records.
    shared_ = shared_ || job.streams.size() > 1;
  }
  for (const StreamConfig& stream : job.streams) {
    streams_.push_back(
        Number(stream.output.topic,
               stream.output.timestamp == OutputTimestamp::kLogTime));
  }
}

SinkId JobSinks::Number(const std::string& topic, bool log_time_stamps) {
  for (size_t i = 0; i < sinks_.size(); ++i) {
    if (sinks_[i].topic == topic) {
      shared_ = true;
      return static_cast<SinkId>(i);
    }
  }
  sinks_.push_back({topic, log_time_stamps});
  return static_cast<SinkId>(sinks_.size() - 1);
}

MemoryShares::MemoryShares(const Job& job) {
  // Half to librdkafka's queues: on 2.0.2 they must hold a second of flow.
  // The rest: decoded state, RocksDB, and what batches and epochs take, which
  // have limits of their own.
  const uint64_t limit = job.memory_limit;
  const auto lanes =
      static_cast<uint64_t>(std::max(1, job.partitions_per_worker));
  queue_bytes = limit / 2;
  state_bytes_per_lane =
      std::max<uint64_t>(limit / 4 / lanes, uint64_t{1} << 20);
  rocksdb_bytes = std::max<uint64_t>(limit / 8, uint64_t{16} << 20);
}

}  // namespace tacho
