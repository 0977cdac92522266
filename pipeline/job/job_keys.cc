#include "pipeline/job/job_keys.h"

namespace tacho {
namespace {

using Draft = JobDraft;
using Value = KeyValue;

void BindRejects(Draft& draft, const Value& value) {
  draft.job.rejects.action =
      value.choice == 0 ? OnReject::kDrop : OnReject::kFail;
}

void BindMin(Draft& draft, const Value& value) {
  draft.signal_min = {true, value.text, value.origin};
}

void BindMax(Draft& draft, const Value& value) {
  draft.signal_max = {true, value.text, value.origin};
}

}  // namespace

const std::vector<JobKey>& JobKeys() {
  using enum KeyKind;
  static const std::vector<JobKey> keys = {
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
       .kind = kName,
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

      {.path = "input",
       .required = true,
       .help = "What to read and how to decode it."},
      {.path = "input.topics",
       .kind = kTopics,
       .required = true,
       .help = "Topics to read, by name.",
       .bind = [](Draft& d, const Value& v) { d.job.topics = v.list; }},
      {.path = "input.decoder",
       .kind = kDecoder,
       .default_text = "wide",
       .help = "Shape of a message; wide: one JSON object, one record.",
       .bind = [](Draft& d, const Value& v) { d.job.decoder = v.text; }},
      {.path = "input.vehicle",
       .kind = kVehicle,
       .required = true,
       .help = "Where the vehicle's id is: a JSON pointer, or `key` for the "
               "Kafka key.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.vehicle_path = v.text == "key" ? "" : v.text;
           }},
      {.path = "input.event_time",
       .required = true,
       .help = "When a record was observed."},
      {.path = "input.event_time.path",
       .kind = kPointer,
       .required = true,
       .help = "JSON pointer to the event time.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.decode.event_time.path = v.text; }},
      {.path = "input.event_time.format",
       .kind = kChoice,
       .default_text = "auto",
       .choices = "auto|iso8601|epoch_s|epoch_ms|epoch_us|epoch_ns",
       .help = "auto: a number by its magnitude, text as ISO-8601.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.event_time.format =
                 static_cast<EventTimeFormat>(v.choice);
           }},
      {.path = "input.event_time.min",
       .kind = kTime,
       .default_text = "2000-01-01T00:00:00Z",
       .help = "Earlier event times are rejected as clock_past.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.decode.event_time.min = v.time; }},
      {.path = "input.event_time.max",
       .kind = kTime,
       .help = "Later event times are rejected as clock_future; no limit "
               "unless given.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.decode.event_time.max = v.time; }},
      {.path = "input.event_time.max_future_skew",
       .kind = kDuration,
       .default_text = "5m",
       .min = "0s",
       .max = "366d",
       .help = "How far an event time may lie beyond the Kafka timestamp; an "
               "idle partition's time stays this far behind the clock.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.event_time.max_future_skew = v.duration;
           }},
      {.path = "input.event_time.clock_guard",
       .kind = kSwitch,
       .default_text = "on",
       .help = "Rejects event times beyond max_future_skew, so that one fast "
               "clock can't make a partition's records late.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.event_time.clock_guard = v.flag;
           }},

      {.path = "input.signals",
       .help = "The named values that streams use; nothing else is decoded."},
      {.path = "input.signals.*",
       .help = "One signal; its name is what expressions say."},
      {.path = "input.signals.*.path",
       .kind = kPointer,
       .required = true,
       .help = "JSON pointer to the value.",
       .bind = [](Draft& d, const Value& v) { d.signal->path = v.text; }},
      {.path = "input.signals.*.type",
       .kind = kChoice,
       .default_text = "double",
       .choices = "double|int64|bool|string",
       .help = "Type of the value.",
       .bind =
           [](Draft& d, const Value& v) {
             d.signal->signal.type = static_cast<SignalType>(v.choice);
           }},
      {.path = "input.signals.*.unit",
       .kind = kUnit,
       .help = "Unit that the feed sends; converted to the unit of its "
               "dimension (km/h, km, celsius, degrees, kPa, l, kWh, s ...).",
       .bind =
           [](Draft& d, const Value& v) {
             d.signal->unit = FindUnit(v.text);
             if (d.signal->unit != nullptr) {
               d.signal->signal.dimension = d.signal->unit->dimension;
             }
           }},
      {.path = "input.signals.*.min",
       .kind = kQuantity,
       .help = "Smallest valid value; a bare number is in the dimension's "
               "unit.",
       .bind = BindMin},
      {.path = "input.signals.*.max",
       .kind = kQuantity,
       .help = "Greatest valid value; a bare number is in the dimension's "
               "unit.",
       .bind = BindMax},
      {.path = "input.signals.*.required",
       .kind = kSwitch,
       .default_text = "false",
       .help = "Rejects a record without it as missing_field.",
       .bind = [](Draft& d, const Value& v) { d.signal->required = v.flag; }},
      {.path = "input.signals.*.allow_string",
       .kind = kSwitch,
       .default_text = "false",
       .help = "Takes \"48.5\" as 48.5.",
       .bind = [](Draft& d,
                  const Value& v) { d.signal->allow_string = v.flag; }},
      {.path = "input.signals.*.on_bad",
       .kind = kChoice,
       .default_text = "reject",
       .choices = "reject|invalid",
       .help = "What a wrong type or range does: reject the message, or make "
               "the signal invalid.",
       .bind =
           [](Draft& d, const Value& v) {
             d.signal->on_bad = static_cast<OnBad>(v.choice);
           }},

      {.path = "streams",
       .required = true,
       .help = "Chains of operators, all fed by one decode."},
      {.path = "streams.*", .help = "One stream."},
      {.path = "streams.*.operators",
       .kind = kOperators,
       .required = true,
       .help = "Operators in order; the last one emits."},
      {.path = "streams.*.output",
       .required = true,
       .help = "Where the stream's results go."},
      {.path = "streams.*.output.topic",
       .kind = kTopic,
       .required = true,
       .help = "Topic of the results; not one of the inputs.",
       .bind = [](Draft& d,
                  const Value& v) { d.stream->output.topic = v.text; }},
      {.path = "streams.*.output.time_format",
       .kind = kChoice,
       .default_text = "epoch_ms",
       .choices = "epoch_ms|iso8601",
       .help = "How times are written in results.",
       .bind =
           [](Draft& d, const Value& v) {
             d.stream->output.time_format = static_cast<TimeFormat>(v.choice);
           }},
      {.path = "streams.*.output.timestamp",
       .kind = kChoice,
       .default_text = "now",
       .choices = "now|log_time",
       .help = "Kafka timestamp of results; never the event time, by which "
               "retention would delete replayed history.",
       .bind =
           [](Draft& d, const Value& v) {
             d.stream->output.timestamp =
                 static_cast<OutputTimestamp>(v.choice);
           }},
      {.path = "streams.*.output.create",
       .help = "Makes the topic at start if it is missing; without it that is "
               "an error."},
      {.path = "streams.*.output.create.partitions",
       .kind = kCount,
       .required = true,
       .min = "1",
       .max = "100000",
       .help = "Its partitions; as many as the input has keep each lane's "
               "results in order.",
       .bind =
           [](Draft& d, const Value& v) {
             d.stream->output.create_partitions =
                 static_cast<int32_t>(v.number);
           }},

      {.path = "rejects",
       .kind = kSideOutput,
       .required = true,
       .choices = "drop|fail",
       .help = "Where refused messages go: a topic, nowhere (drop), or the job "
               "stops (fail).",
       .bind = BindRejects},
      {.path = "rejects.topic",
       .kind = kTopic,
       .required = true,
       .help = "Dead-letter topic: the original bytes, the reason and the "
               "position in headers.",
       .bind = [](Draft& d, const Value& v) { d.job.rejects.topic = v.text; }},
      {.path = "rejects.create",
       .help = "Makes the topic at start if it is missing; without it that is "
               "an error."},
      {.path = "rejects.create.partitions",
       .kind = kCount,
       .required = true,
       .min = "1",
       .max = "100000",
       .help = "Its partitions; as many as the input has keep each lane's "
               "results in order.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.rejects.create_partitions = static_cast<int32_t>(v.number);
           }},
      {.path = "late",
       .kind = kSideOutput,
       .required = true,
       .choices = "drop",
       .help = "Where records go that missed their window: a topic, or nowhere "
               "(drop).",
       .bind = [](Draft& d,
                  const Value&) { d.job.late.action = OnReject::kDrop; }},
      {.path = "late.topic",
       .kind = kTopic,
       .required = true,
       .help = "Topic for late records, with the window that they missed.",
       .bind = [](Draft& d, const Value& v) { d.job.late.topic = v.text; }},
      {.path = "late.create",
       .help = "Makes the topic at start if it is missing; without it that is "
               "an error."},
      {.path = "late.create.partitions",
       .kind = kCount,
       .required = true,
       .min = "1",
       .max = "100000",
       .help = "Its partitions; as many as the input has keep each lane's "
               "results in order.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.late.create_partitions = static_cast<int32_t>(v.number);
           }},

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
       .help = "Results and state changes of an epoch.",
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
       .default_text = "768MiB",
       .min = "64MiB",
       .max = "16384GiB",
       .help = "Split over fetch queues, batches, state, caches and epochs.",
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
       .help = "The text of a signal.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.limits.string_bytes = v.number;
           }},
      {.path = "limits.vehicle_id_bytes",
       .kind = kSize,
       .default_text = "256",
       .min = "1",
       .max = "4KiB",
       .help = "A vehicle's id.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.limits.vehicle_id_bytes = v.number;
           }},
      {.path = "limits.records_per_message",
       .kind = kCount,
       .default_text = "10000",
       .min = "1",
       .max = "1000000",
       .help = "Records in one message.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.limits.records_per_message = v.number;
           }},
      {.path = "limits.partitions_per_worker",
       .kind = kCount,
       .default_text = "8",
       .min = "1",
       .max = "10000",
       .help = "Partitions that a worker is expected to own; shares the memory "
               "for fetch queues.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.partitions_per_worker = static_cast<int>(v.number);
           }},

      {.path = "guarantee",
       .kind = kChoice,
       .default_text = "exactly_once",
       .choices = "exactly_once|at_least_once",
       .help = "exactly_once: results, state and offsets become visible "
               "together, and state follows its partition through a changelog "
               "topic. at_least_once: state stays on its host, and after a "
               "failure some results may come twice.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.guarantee = v.choice == 0 ? Guarantee::kExactlyOnce
                                             : Guarantee::kAtLeastOnce;
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
  return keys;
}

}  // namespace tacho
