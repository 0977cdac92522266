#include "pipeline/job/wiring.h"

#include <utility>

#include "pipeline/commit/kafka_at_least_once.h"
#include "pipeline/commit/kafka_changelog.h"
#include "pipeline/commit/kafka_exactly_once.h"
#include "pipeline/consume/kafka_group.h"
#include "pipeline/job/disk_lane_stores.h"
#include "pipeline/job/kafka_preflight.h"
#include "pipeline/job/kafka_properties.h"
#include "pipeline/job/sinks.h"

namespace tacho {

Result<std::unique_ptr<Worker>> MakeKafkaWorker(const Job& job,
                                                const WorkerOptions& options) {
  ASSIGN_OR_RETURN(const KafkaProperties properties,
                   ResolveKafkaProperties(job.kafka));
  const MemoryShares memory(job);
  WorkerParts parts;

  // 1. Where state lives: claimed before anything talks to Kafka, so that two
  // processes never share a directory.
  ASSIGN_OR_RETURN(parts.stores, MakeDiskLaneStores(job));

  // 2. preflight: what the cluster lacks, and what its topics take.
  const bool exactly_once = job.guarantee == Guarantee::kExactlyOnce;
  KafkaPreflightOptions asked;
  asked.properties = properties;
  if (exactly_once) {
    asked.transactional_id =
        job.name + "-" + job.group.id + "-" + parts.stores->writer_id();
  }
  // Shared by two functions that the worker calls one after the other.
  const auto limits = std::make_shared<OutputLimits>();
  if (options.preflight) {
    parts.preflight = [&job, asked, limits]() -> Result<OutputLimits> {
      ASSIGN_OR_RETURN(*limits, RunKafkaPreflight(job, asked, SystemClock()));
      return *limits;
    };
  }

  // 3. consume: a member of the job's group.
  KafkaGroupOptions group;
  group.properties = properties;
  group.group_id = job.group.id;
  group.instance_id = job.group.instance_id;
  group.topics = job.topics;
  group.assignment =
      job.group.assignment == GroupAssignment::kRange ? "range" : "roundrobin";
  group.session_timeout = job.group.session_timeout;
  group.heartbeat_interval = job.group.heartbeat_interval;
  group.max_poll_interval = job.group.max_poll_interval;
  group.queue_bytes = memory.queue_bytes;
  group.partitions_per_worker = job.partitions_per_worker;
  ASSIGN_OR_RETURN(parts.source, MakeKafkaGroup(std::move(group)));

  // 4. decode and operate: made lane by lane (LaneSet, AddStreams).

  // 5. commit: made when the partition counts are known.
  parts.make_transaction =
      [&job, properties, exactly_once, limits, id = asked.transactional_id](
          int32_t input_partitions,
          std::function<Status(const Epoch&)> commit_offsets) {
        KafkaOutputOptions output;
        output.properties = properties;
        output.sinks = JobSinks(job).sinks();
        for (Sink& sink : output.sinks) {
          const auto found = limits->message_bytes.find(sink.topic);
          if (found != limits->message_bytes.end()) {
            sink.message_bytes = found->second;
          }
        }
        output.batch_bytes = limits->batch_bytes();
        output.input_partitions = input_partitions;
        if (!exactly_once) {
          return MakeKafkaAtLeastOnce(std::move(output),
                                      std::move(commit_offsets));
        }
        KafkaExactlyOnceOptions exactly;
        exactly.output = std::move(output);
        exactly.group = job.group.id;
        exactly.transactional_id = id;
        return MakeKafkaExactlyOnce(std::move(exactly), SystemClock());
      };

  // 6. restore: where state is brought back from.
  if (exactly_once) {
    KafkaChangelogOptions changelog;
    changelog.properties = properties;
    changelog.group = job.group.id;
    changelog.queue_bytes = memory.queue_bytes;
    changelog.partitions_per_worker = job.partitions_per_worker;
    changelog.grows = job.partitions_added == PartitionsAdded::kContinue;
    ASSIGN_OR_RETURN(parts.changelog, MakeKafkaChangelog(std::move(changelog)));
  }
  return std::make_unique<Worker>(job, options, std::move(parts));
}

}  // namespace tacho
