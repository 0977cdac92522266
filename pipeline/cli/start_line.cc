#include "pipeline/cli/start_line.h"

#include <string>

#include "pipeline/base/log.h"
#include "pipeline/cli/version.h"
#include "pipeline/kafka/kafka_handle.h"
#include "state/marker.h"

namespace tacho {
namespace {

// As the job names them; a value of a file or the environment is not shown.
std::string Brokers(const Job& job) {
  for (const KafkaProperty& property : job.kafka) {
    if (property.name != "bootstrap.servers") continue;
    return property.source == KafkaProperty::Source::kText
               ? property.value.Reveal()
               : "(from a file or the environment)";
  }
  return "";
}

std::string Topics(const Job& job) {
  std::string text;
  for (const std::string& topic : job.topics) {
    text += (text.empty() ? "" : " ") + topic;
  }
  return text;
}

}  // namespace

void LogStart(const Job& job, const RunOptions& options) {
  LOG(kInfo, "start",
      {{"version", TachoVersion()},
       {"librdkafka", KafkaClientVersion()},
       {"job", job.name},
       {"brokers", Brokers(job)},
       {"group", job.group.id},
       {"instance_id", job.group.instance_id},
       {"guarantee", GuaranteeName(job.guarantee)},
       {"input", Topics(job)},
       {"state_dir", job.state_dir},
       {"until_end", options.until_end},
       {"memory_limit", job.memory_limit},
       {"partitions_per_worker", job.partitions_per_worker},
       {"commit_interval_ms", job.commit.interval.count()},
       {"revoke_timeout_ms", job.revoke_timeout.count()},
       {"broker_timeout_s", options.broker_timeout_seconds}});
}

}  // namespace tacho
