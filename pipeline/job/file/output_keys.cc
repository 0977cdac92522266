#include "pipeline/job/file/job_key_sections.h"

namespace tacho {
namespace {

using Draft = JobDraft;
using Value = KeyValue;

void BindRejects(Draft& draft, const Value& value) {
  draft.job.rejects.action =
      value.choice == 0 ? OnReject::kDrop : OnReject::kFail;
}

}  // namespace

std::vector<JobKey> OutputKeys() {
  using enum KeyKind;
  return {
      {.path = "streams",
       .required = true,
       .help = "Chains of operators over the records, or over the rows of the "
               "stream that `from` names."},
      {.path = "streams.*",
       .help = "One stream.",
       .begin =
           [](Draft& d, const std::string& name) {
             d.stream = &d.job.streams.emplace_back();
             d.stream->name = name;
           },
       .end = [](Draft& d, const std::string&, const OriginIndex&,
                 Diagnostics&) { d.stream = nullptr; }},
      {.path = "streams.*.from",
       .kind = kName,
       .help = "Another stream: its results are read instead of the records. "
               "A window's time is its last millisecond, an excursion's is the "
               "sample that has opened or ended it.",
       .bind = [](Draft& d, const Value& v) { d.stream->from = v.text; }},
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
      {.path = "streams.*.output.encoding",
       .kind = kEncoding,
       .default_text = "json",
       .help = "How results are written.",
       .bind =
           [](Draft& d, const Value& v) {
             d.stream->output.encoding = FindRowEncoding(v.text);
           }},
      {.path = "streams.*.output.time_format",
       .kind = kChoice,
       .default_text = "epoch_ms",
       .choices = "epoch_ms|iso8601",
       .help = "How times are written in results.",
       .bind =
           [](Draft& d, const Value& v) {
             d.stream->output.time_format = static_cast<TimeFormat>(v.choice);
           }},
      {.path = "streams.*.output.units",
       .kind = kUnits,
       .help = "Units of results, at most one of a dimension, as in [mph, F]; "
               "what is not listed is in its canonical unit.",
       .bind =
           [](Draft& d, const Value& v) {
             for (const std::string& name : v.list) {
               d.stream->output.units.push_back(FindUnit(name));
             }
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
       .help = "Dead-letter topic: the original bytes and headers, and in "
               "tacho.* headers the reason, the path, what was there and the "
               "position.",
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
  };
}

}  // namespace tacho
