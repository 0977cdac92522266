#include "pipeline/consume/kafka_group_options.h"

namespace tacho {
namespace {

std::string MillisText(Millis ms) { return std::to_string(ms.count()); }

}  // namespace

KafkaProperties KafkaConsumerProperties(
    const KafkaGroupMemberOptions& options) {
  KafkaProperties p = FetchProperties(options.fetch);
  p.emplace_back("client.id", "tacho");
  p.emplace_back("fetch.wait.max.ms", "100");
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
