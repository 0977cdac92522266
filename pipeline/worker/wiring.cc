#include "pipeline/worker/wiring.h"

#include <utility>

#include "pipeline/base/log.h"
#include "pipeline/base/machine_limits.h"
#include "pipeline/commit/kafka_at_least_once.h"
#include "pipeline/commit/kafka_exactly_once.h"
#include "pipeline/consume/kafka_group_member.h"
#include "pipeline/consume/kafka_partition_log.h"
#include "pipeline/job/kafka_properties.h"
#include "pipeline/preflight/preflight_probe.h"
#include "pipeline/restore/kafka_changelog.h"
#include "pipeline/worker/disk_lane_stores.h"
#include "pipeline/worker/group_offsets.h"
#include "pipeline/worker/memory_plan.h"
#include "pipeline/worker/sinks.h"
#include "pipeline/worker/take_over_thread.h"

namespace tacho {

Result<std::unique_ptr<Worker>> MakeKafkaWorker(const Job& job,
                                                const WorkerOptions& options) {
  ASSIGN_OR_RETURN(const KafkaProperties properties,
                   ResolveKafkaProperties(job.kafka));
  WorkerParts parts;

  // 0. What this process may use, and how it is split. The limit is checked
  // before anything else; the shares again when the partitions are known.
  if (const Status raised = RaiseOpenFiles(); !raised.ok()) {
    LOG(kWarn, "open_files", {{"reason", raised.message()}});
  }
  const MachineLimits machine = ReadMachineLimits();
  ASSIGN_OR_RETURN(const MemoryPlan first, PlanMemory(job, machine, {}));
  // Shared by functions that the worker calls one after the other.
  const auto plan = std::make_shared<MemoryPlan>(first);
  parts.plan = [&job, machine,
                plan](const MemoryPlan::Load& load) -> Result<MemoryPlan> {
    ASSIGN_OR_RETURN(*plan, PlanMemory(job, machine, load));
    return *plan;
  };

  // 1. Where state lives: claimed before anything talks to Kafka, so that two
  // processes never share a directory.
  ASSIGN_OR_RETURN(parts.stores, MakeDiskLaneStores(job, first.rocksdb_bytes));

  // 2. preflight: what the cluster lacks, and what its topics take.
  const bool exactly_once = job.guarantee == Guarantee::kExactlyOnce;
  PreflightProbeOptions asked;
  asked.properties = properties;
  if (exactly_once) {
    // Names may hold the dash: it is the worker's UUID, one for each group,
    // that no other id has. What stands before it is for rights.
    asked.transactional_id =
        job.name + "-" + job.group.id + "-" + parts.stores->writer_id();
  }
  // Shared by two functions that the worker calls one after the other.
  const auto limits = std::make_shared<OutputLimits>();
  if (options.preflight) {
    parts.preflight = [&job, asked, limits]() -> Result<OutputLimits> {
      ASSIGN_OR_RETURN(*limits, ProbePreflight(job, asked, SystemClock()));
      return *limits;
    };
  }

  // 3. consume: a member of the job's group, and what the brokers know.
  KafkaGroupMemberOptions group;
  group.properties = properties;
  group.group_id = job.group.id;
  group.instance_id = job.group.instance_id;
  group.topics = job.topics;
  group.assignment =
      job.group.assignment == GroupAssignment::kRange ? "range" : "roundrobin";
  group.session_timeout = job.group.session_timeout;
  group.heartbeat_interval = job.group.heartbeat_interval;
  group.max_poll_interval = job.group.max_poll_interval;
  group.fetch = first.fetch;
  group.fetch_wait = FetchWaitFor(job.commit.interval);
  ASSIGN_OR_RETURN(parts.log, MakeKafkaPartitionLog(
                                  {properties, group.group_id, group.topics}));
  ASSIGN_OR_RETURN(parts.member, MakeKafkaGroupMember(std::move(group)));

  // 4. decode and operate: made lane by lane (LaneFactory, AddStreams).

  // 5. commit: made when the partition counts are known.
  parts.make_writer = [&job, properties, exactly_once, limits, plan,
                       id = asked.transactional_id,
                       member = parts.member.get()](int32_t input_partitions) {
    KafkaOutputOptions output;
    output.properties = properties;
    output.sinks = JobSinks(job).sinks();
    for (Sink& sink : output.sinks) {
      const auto found = limits->message_bytes.find(sink.topic);
      if (found != limits->message_bytes.end()) {
        sink.message_bytes = found->second;
      }
      const auto stamps = limits->stamps.find(sink.topic);
      if (stamps != limits->stamps.end()) sink.stamps = stamps->second;
    }
    output.batch_bytes = limits->batch_bytes();
    output.queue_messages = plan->producer_messages;
    output.input_partitions = input_partitions;
    if (!exactly_once) {
      return MakeKafkaAtLeastOnce(std::move(output),
                                  std::make_unique<GroupOffsets>(*member));
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
    changelog.fetch =
        FetchLimitsFor(first.restore_bytes, static_cast<int>(kMostReplays));
    changelog.grows = job.partitions_added == PartitionsAdded::kContinue;
    ASSIGN_OR_RETURN(parts.changelog, MakeKafkaChangelog(std::move(changelog)));
  }
  return std::make_unique<Worker>(job, options, std::move(parts));
}

}  // namespace tacho
