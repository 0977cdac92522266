#include "pipeline/consume/kafka_group_options.h"

#include <algorithm>

namespace tacho {
namespace {

// An answer with so much in it is not held back...
constexpr size_t kFullAnswer = size_t{1} << 20;

// ... or with as much as one partition may give: when the queues of all others
// are full it is the only one that is asked.
size_t LeastAnswer(const FetchLimits& fetch) {
  return std::min(kFullAnswer, fetch.partition_bytes);
}

std::string MillisText(Millis ms) { return std::to_string(ms.count()); }

}  // namespace

Millis FetchWaitFor(Millis commit_interval) {
  return std::clamp(commit_interval / 4, Millis(5), Millis(100));
}

KafkaProperties KafkaConsumerProperties(
    const KafkaGroupMemberOptions& options) {
  KafkaProperties p = FetchProperties(options.fetch);
  p.emplace_back("client.id", "tacho");
  p.emplace_back("fetch.wait.max.ms", MillisText(options.fetch_wait));
  p.emplace_back("fetch.min.bytes", std::to_string(LeastAnswer(options.fetch)));
  p.emplace_back("topic.metadata.refresh.interval.ms", "30000");
  p.insert(p.end(), options.properties.begin(), options.properties.end());
  const KafkaProperties owned = {
      {"group.id", options.group_id},
      {"session.timeout.ms", MillisText(options.session_timeout)},
      {"heartbeat.interval.ms", MillisText(options.heartbeat_interval)},
      {"max.poll.interval.ms", MillisText(options.max_poll_interval)},
      {"partition.assignment.strategy", options.assignment},
  };
  const KafkaProperties after =
      FetchPropertiesAfter(options.fetch, options.properties);
  p.insert(p.end(), after.begin(), after.end());
  const KafkaProperties offsets = ExplicitOffsetProperties();
  p.insert(p.end(), offsets.begin(), offsets.end());
  p.insert(p.end(), owned.begin(), owned.end());
  if (!options.instance_id.empty()) {
    p.emplace_back("group.instance.id", options.instance_id);
  }
  return p;
}

}  // namespace tacho
