#include "pipeline/worker/sinks.h"

#include <algorithm>
#include <utility>

#include "pipeline/job/result_schema.h"
#include "pipeline/job/stream_order.h"

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
  Sink& sink = sinks_.emplace_back();
  sink.topic = topic;
  sink.log_time_stamps = log_time_stamps;
  return static_cast<SinkId>(sinks_.size() - 1);
}

Status AddStreams(const Job& job, const JobSinks& sinks, Lane& lane) {
  const std::vector<size_t> order = StreamOrder(job);
  for (const size_t i : order) {
    const StreamConfig& stream = job.streams[i];
    std::vector<ParamError> errors;
    const auto input = InputOf(job, stream);
    std::vector<std::unique_ptr<Operator>> operators;
    if (input.has_value()) {
      operators = MakeOperators(stream.operators, *input, job.time, errors);
    }
    // The job parser has made every operator once already.
    if (operators.empty()) {
      return Status(StatusCode::kInternal,
                    "stream " + stream.name + " cannot be made" +
                        (errors.empty() ? "" : ": " + errors.front().message));
    }
    OutputOptions output;
    output.sink = sinks.OfStream(i);
    output.late_sink = sinks.late();
    output.encoding = stream.output.encoding;
    output.encode.time_format = stream.output.time_format;
    output.units = stream.output.units;
    output.stream = stream.name;
    std::optional<size_t> from;  // By its place among those added.
    if (const auto read = FindStream(job, stream.from)) {
      from = static_cast<size_t>(std::find(order.begin(), order.end(), *read) -
                                 order.begin());
    }
    lane.AddStream(std::make_unique<OperatorChain>(std::move(operators)),
                   std::move(output), from);
  }
  return Status::Ok();
}

}  // namespace tacho
