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

Status AddStreams(const Job& job, const JobSinks& sinks, size_t late_bytes,
                  Lane& lane) {
  for (size_t i = 0; i < job.streams.size(); ++i) {
    const StreamConfig& stream = job.streams[i];
    std::vector<std::unique_ptr<Operator>> operators;
    for (const OperatorConfig& config : stream.operators) {
      std::vector<ParamError> errors;
      std::unique_ptr<Operator> made =
          config.type->make(config.params, job.schema, job.time, errors);
      // The job parser has made every operator once already.
      if (made == nullptr) {
        return Status(StatusCode::kInternal,
                      "stream " + stream.name + ": " + errors.front().message);
      }
      operators.push_back(std::move(made));
    }
    OutputOptions output;
    output.sink = sinks.OfStream(i);
    output.late_sink = sinks.late();
    output.late_bytes = late_bytes;
    output.time_format = stream.output.time_format;
    output.stream = stream.name;
    output.job = job.name;
    output.topic = lane.tp().topic;
    output.partition = lane.tp().partition;
    lane.AddStream(std::make_unique<OperatorChain>(std::move(operators)),
                   std::move(output));
  }
  return Status::Ok();
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
