#include "pipeline/job/file/job_key_sections.h"

namespace tacho {
namespace {

using Draft = JobDraft;
using Value = KeyValue;

}  // namespace

std::vector<JobKey> WorkKeys() {
  using enum KeyKind;
  return {
      {.path = "state", .help = "Where state is kept."},
      {.path = "state.dir",
       .kind = kText,
       .default_text = "./state",
       .help = "Directory; the workers of one host may share it.",
       .bind = [](Draft& d, const Value& v) { d.job.state_dir = v.text; }},
      {.path = "commit", .help = "When an epoch ends; the first limit counts."},
      {.path = "commit.interval",
       .kind = kDuration,
       .default_text = "200ms",
       .min = "10ms",
       .max = "5m",
       .help = "Longest time between commits: results wait for one.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.commit.interval = v.duration; }},
      {.path = "commit.records",
       .kind = kCount,
       .default_text = "1000000",
       .min = "1",
       .max = "1000000000",
       .help = "Input records of an epoch.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.commit.records = v.number; }},
      {.path = "commit.bytes",
       .kind = kSize,
       .default_text = "64MiB",
       .min = "1MB",
       .max = "4GiB",
       .help = "Results and state changes of an epoch, all lanes of a worker "
               "together; never more than memory.limit has room for.",
       .bind = [](Draft& d, const Value& v) { d.job.commit.bytes = v.number; }},
      {.path = "batch", .help = "The unit of work between stages."},
      {.path = "batch.max_records",
       .kind = kCount,
       .default_text = "1000",
       .min = "1",
       .max = "100000",
       .help = "Records of a batch; a batch never waits to fill.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.batch_max_records = v.number; }},
      {.path = "memory", .help = "The process's one memory budget."},
      {.path = "memory.limit",
       .kind = kSize,
       .min = "64MiB",
       .max = "16384GiB",
       .help =
           "Split over fetch queues, batches, state, caches and epochs; the "
           "process takes at most a quarter and 150 MB more. Default: what "
           "the cgroup has room for, at most three quarters of it; without "
           "one a quarter of the machine's memory.",
       .bind = [](Draft& d, const Value& v) { d.job.memory_limit = v.number; }},

      {.path = "limits",
       .help = "What a message may be; beyond it: reject too_large, too_deep."},
      {.path = "limits.message_bytes",
       .kind = kSize,
       .default_text = "1MiB",
       .min = "1KiB",
       .max = "100MiB",
       .help = "A message's value.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.limits.message_bytes = v.number;
           }},
      {.path = "limits.depth",
       .kind = kCount,
       .default_text = "1024",
       .min = "1",
       .max = "1024",
       .help = "Levels of nesting.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.decode.limits.depth = v.number; }},
      {.path = "limits.string_bytes",
       .kind = kSize,
       .default_text = "64KiB",
       .min = "1",
       .max = "16MiB",
       .help = "The text of a signal, as JSON writes it: a control character "
               "takes six bytes, a quote two.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.limits.string_bytes = v.number;
           }},
      {.path = "limits.vehicle_id_bytes",
       .kind = kSize,
       .default_text = "256",
       .min = "1",
       .max = "4KiB",
       .help = "A vehicle's id, as JSON writes it.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.limits.vehicle_id_bytes = v.number;
           }},
      {.path = "limits.records_per_message",
       .kind = kCount,
       .default_text = "10000",
       .min = "1",
       .max = "1000000",
       .help = "Records in one message, and elements of its lists.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.limits.records_per_message = v.number;
           }},
      {.path = "limits.reject_bytes",
       .kind = kSize,
       .default_text = "1048588",
       .min = "32KiB",
       .max = "95MB",
       .help = "A reject or a late record with its headers: key and value are "
               "cut to fit. The topics must take that much.",
       .bind = [](Draft& d, const Value& v) { d.job.reject_bytes = v.number; }},
      {.path = "limits.headers",
       .kind = kCount,
       .default_text = "64",
       .min = "0",
       .max = "1000",
       .help = "Headers of a message that its reject or late record keeps.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.headers.count = v.number; }},
      {.path = "limits.header_bytes",
       .kind = kSize,
       .default_text = "16KiB",
       .min = "0",
       .max = "1MiB",
       .help = "What they may take, names and values.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.headers.bytes = v.number; }},
      {.path = "limits.partitions_per_worker",
       .kind = kCount,
       .min = "1",
       .max = "10000",
       .help = "Partitions that a worker owns at most; shares the memory for "
               "fetch queues. Default: all of the topics, which one worker may "
               "be left with.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.partitions_per_worker = static_cast<int>(v.number);
           }},

      {.path = "guarantee",
       .kind = kChoice,
       .default_text = "exactly_once",
       .choices = "exactly_once|at_least_once_local",
       .retired = "at_least_once",
       .retired_help =
           "write at_least_once_local (each message is processed at least "
           "once; state is this host's and does not follow a partition that "
           "moves) or exactly_once (state follows its partition through a "
           "changelog topic)",
       .help = "exactly_once: results, state and offsets become visible "
               "together, and state follows its partition through a changelog "
               "topic. at_least_once_local: each message is processed at least "
               "once, after a failure some results may come twice, and state "
               "is this host's: a partition that moves begins with empty "
               "windows (state_not_moved).",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.guarantee = v.choice == 0 ? Guarantee::kExactlyOnce
                                             : Guarantee::kAtLeastOnceLocal;
           }},
      {.path = "partitions_added",
       .kind = kChoice,
       .default_text = "stop",
       .choices = "stop|continue",
       .help = "What to do when a topic grows, which moves vehicles between "
               "partitions and away from their state.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.partitions_added = static_cast<PartitionsAdded>(v.choice);
           }},
      {.path = "revoke_timeout",
       .kind = kDuration,
       .default_text = "10s",
       .min = "10ms",
       .max = "1h",
       .help = "Time for the last commit of a lane that is taken away; by "
               "default never more than a quarter of group.max_poll_interval.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.revoke_timeout = v.duration; }},
      {.path = "vehicle_idle_timeout",
       .kind = kDuration,
       .default_text = "30m",
       .min = "1s",
       .max = "366d",
       .help = "A silent vehicle's windows close once partition time is this "
               "far beyond them.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.time.vehicle_idle_timeout = v.duration;
           }},
      {.path = "vehicle_forget",
       .kind = kDuration,
       .default_text = "7d",
       .min = "1m",
       .max = "3660d",
       .help = "Silence in partition time after which a vehicle is new again.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.time.vehicle_forget = v.duration; }},
      {.path = "idle_timeout",
       .kind = kDuration,
       .default_text = "1m",
       .min = "1s",
       .max = "24h",
       .help = "How long a partition gives nothing before the broker is asked "
               "whether it is empty.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.idle_timeout = v.duration; }},
      {.path = "idle_advance",
       .kind = kChoice,
       .default_text = "auto",
       .choices = "auto|on|off",
       .help = "Time of an empty partition goes on with the clock, so that its "
               "windows close; auto: on, but off with --until-end.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.idle_advance = static_cast<IdleAdvance>(v.choice);
           }},
  };
}

}  // namespace tacho
