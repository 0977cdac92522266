#include "pipeline/job/file/job_key_sections.h"

namespace tacho {
namespace {

using Draft = JobDraft;
using Value = KeyValue;

}  // namespace

std::vector<JobKey> GroupKeys() {
  using enum KeyKind;
  return {
      {.path = "job",
       .kind = kName,
       .required = true,
       .help = "Name of the job: in metrics, headers and state.",
       .bind = [](Draft& d, const Value& v) { d.job.name = v.text; }},
      {.path = "kafka",
       .kind = kClientProperties,
       .required = true,
       .help = "Client properties in Kafka's own spelling; bootstrap.servers "
               "is required."},

      {.path = "group",
       .required = true,
       .help = "The consumer group that spreads partitions over workers."},
      {.path = "group.id",
       .kind = kGroup,
       .required = true,
       .help = "Name of the consumer group, its changelog topics and its state "
               "directory; one job has it to itself.",
       .bind = [](Draft& d, const Value& v) { d.job.group.id = v.text; }},
      {.path = "group.instance_id",
       .kind = kText,
       .help = "Makes the worker a static member, which keeps its lanes over "
               "a restart.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.group.instance_id = v.text; }},
      {.path = "group.offset_reset",
       .kind = kChoice,
       .default_text = "earliest",
       .choices = "earliest|latest|none",
       .help = "Where a partition without a committed offset starts.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.group.offset_reset = static_cast<OffsetReset>(v.choice);
           }},
      {.path = "group.assignment",
       .kind = kChoice,
       .default_text = "range",
       .choices = "range|roundrobin",
       .help = "How partitions are spread; the same in all workers of a group.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.group.assignment = static_cast<GroupAssignment>(v.choice);
           }},
      {.path = "group.session_timeout",
       .kind = kDuration,
       .default_text = "45s",
       .min = "1s",
       .max = "1h",
       .help = "Silence after which the group gives a worker's lanes away.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.group.session_timeout = v.duration;
           }},
      {.path = "group.heartbeat_interval",
       .kind = kDuration,
       .default_text = "3s",
       .min = "100ms",
       .max = "20m",
       .help = "How often a worker says that it lives; a third of "
               "session_timeout at most is usual.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.group.heartbeat_interval = v.duration;
           }},
      {.path = "group.max_poll_interval",
       .kind = kDuration,
       .default_text = "5m",
       .min = "1s",
       .max = "24h",
       .help = "Longest time without a poll before the group gives the lanes "
               "away.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.group.max_poll_interval = v.duration;
           }},
  };
}

}  // namespace tacho
