#include "pipeline/worker/lane_factory.h"

#include <utility>

#include "pipeline/worker/sinks.h"

namespace tacho {

LaneIdentity IdentityOf(const Job& job, const TopicPartition& tp,
                        int32_t input_partitions,
                        const std::string& cluster_id) {
  LaneIdentity lane;
  lane.group = job.group.id;
  lane.tp = tp;
  lane.cluster_id = cluster_id;
  lane.job = job.name;
  lane.guarantee = job.guarantee;
  lane.input_partitions = input_partitions;
  return lane;
}

LaneFactory::LaneFactory(const Job& job, std::string writer_id,
                         LaneCounters& counters, LaneEvents& events,
                         const Clock& clock)
    : job_(job),
      writer_id_(std::move(writer_id)),
      counters_(counters),
      events_(events),
      clock_(clock) {}

Result<std::unique_ptr<Lane>> LaneFactory::Make(
    const LaneSpec& spec, std::unique_ptr<PartitionReader> reader,
    std::unique_ptr<StateStore> store) const {
  const JobSinks sinks(job_);
  LaneOptions options;
  options.lane = spec.lane;
  options.job_digest = job_.digest;
  options.writer_id = writer_id_;
  options.drain.max_messages = job_.batch_max_records;
  options.drain.max_bytes = drain_bytes_;
  options.drain.skip_unreadable = job_.on_unreadable == OnUnreadable::kSkip;
  // Nobody else wants to see them.
  if (sinks.rejects() || sinks.late()) options.drain.headers = job_.headers;
  options.time = job_.time;
  options.idle_timeout = job_.idle_timeout;
  options.max_future_skew = job_.decode.event_time.max_future_skew;
  options.epoch_messages = job_.commit.records;
  options.epochs = epochs_;
  options.state_bytes = state_bytes_;
  options.end_offset = spec.end_offset;
  options.close_at_end = spec.close_at_end;
  options.fail_on_reject = job_.rejects.action == OnReject::kFail;
  options.reject_sink = sinks.rejects();
  options.merge_outputs = sinks.shared();
  options.reject_bytes = job_.reject_bytes;
  options.reject_sites = RejectSites(job_.decode);

  LaneParts parts{std::move(reader), MakeDecoder(job_.decode),
                  std::move(store)};
  auto lane =
      std::make_unique<Lane>(std::move(options), std::move(parts), job_.schema,
                             counters_.Of(spec.lane.tp), events_, clock_);
  RETURN_IF_ERROR(AddStreams(job_, sinks, *lane));
  return lane;
}

}  // namespace tacho
