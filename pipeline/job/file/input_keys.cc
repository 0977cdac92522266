#include "pipeline/job/file/job_key_sections.h"
#include "pipeline/job/file/signal_reader.h"

namespace tacho {
namespace {

using Draft = JobDraft;
using Value = KeyValue;

void BindShape(Draft& draft, const Value& value) {
  draft.job.decode.shape = FindType(ShapeTypes(), value.text);
}

void BindMin(Draft& draft, const Value& value) {
  draft.signal_min = {true, value.text, value.origin};
}

void BindMax(Draft& draft, const Value& value) {
  draft.signal_max = {true, value.text, value.origin};
}

}  // namespace

std::vector<JobKey> InputKeys() {
  using enum KeyKind;
  return {
      {.path = "input",
       .required = true,
       .help = "What to read and how to decode it."},
      {.path = "input.topics",
       .kind = kTopics,
       .required = true,
       .help = "Topics to read, by name.",
       .bind = [](Draft& d, const Value& v) { d.job.topics = v.list; }},
      {.path = "input.format",
       .kind = kFormat,
       .default_text = "json",
       .help = "What the bytes of a message are.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.format = FindType(FormatTypes(), v.text);
           }},
      {.path = "input.framing",
       .kind = kFraming,
       .default_text = "none",
       .help = "What stands around a message in its value.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.framing = FindType(FramingTypes(), v.text);
           }},
      {.path = "input.shape",
       .kind = kShape,
       .default_text = "wide",
       .help = "Where in a message the vehicle, the times and the signals lie.",
       .bind = BindShape},
      {.path = "input.decoder",
       .kind = kShape,
       .help = "Another word for input.shape.",
       .bind = BindShape},
      {.path = "input.data",
       .kind = kPointer,
       .help = "JSON pointer to a message's list of data.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.decode.datums.list_path = v.text; }},
      {.path = "input.name",
       .kind = kPointer,
       .help = "JSON pointer to a datum's name, in the datum.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.decode.datums.name_path = v.text; }},
      {.path = "input.value",
       .kind = kPointer,
       .help = "JSON pointer to a datum's value, in the datum; a signal may "
               "have a path of its own.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.decode.datums.value_path = v.text; }},
      {.path = "input.time",
       .kind = kPointer,
       .help =
           "JSON pointer to a datum's own event time, in the datum; without "
           "one the message's counts.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.decode.datums.time_path = v.text; }},
      {.path = "input.invalid",
       .kind = kPointer,
       .help = "JSON pointer in the datum; where it leads to true the datum's "
               "signals are invalid.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.datums.invalid_path = v.text;
           }},
      {.path = "input.accept",
       .help = "Which messages are the job's business, by one value in them; "
               "the others are skipped and counted. Give `in` or `not_in`."},
      {.path = "input.accept.path",
       .kind = kPointer,
       .required = true,
       .help = "JSON pointer to the value.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.decode.accept.path = v.text; }},
      {.path = "input.accept.in",
       .kind = kTexts,
       .help = "The values to take, as they are written: a text without its "
               "quotes, 17, true, null.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.decode.accept.values = v.list; }},
      {.path = "input.accept.not_in",
       .kind = kTexts,
       .help = "The values to skip; a message without the value is taken.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.accept.values = v.list;
             d.job.decode.accept.takes_listed = false;
           }},
      {.path = "input.vehicle",
       .kind = kVehicle,
       .required = true,
       .help = "Where the vehicle's id is: a JSON pointer, `key` for the Kafka "
               "key as text, or {key: {as: FORMAT}} for other keys.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.vehicle_path = v.text == "key" ? "" : v.text;
           }},
      {.path = "input.vehicle.key",
       .required = true,
       .help = "How the Kafka key is the vehicle's id."},
      {.path = "input.vehicle.key.as",
       .kind = kChoice,
       .default_text = "text",
       .choices = "text|json|int32|int64",
       .help = "text: UTF-8 without control characters; json: a JSON text or "
               "whole number; int32, int64: big-endian, the id is its digits.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.key_format = static_cast<KeyFormat>(v.choice);
           }},
      {.path = "input.vehicle.key.path",
       .kind = kPointer,
       .help = "JSON pointer to the id in a key that is an object; with "
               "as: json only.",
       .bind = [](Draft& d,
                  const Value& v) { d.job.decode.key_path = v.text; }},
      {.path = "input.tombstones",
       .kind = kChoice,
       .default_text = "skip",
       .choices = "skip|reject",
       .help = "What a message without a value is: nothing to the job, and "
               "counted as skipped, or a reject.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.decode.tombstones = static_cast<Tombstones>(v.choice);
           }},
      {.path = "input.on_unreadable",
       .kind = kChoice,
       .default_text = "stop",
       .choices = "stop|skip",
       .help = "What to do where the client cannot read the log (a batch that "
               "does not unpack within receive.message.max.bytes, say): stop "
               "before it, or write a reject `unreadable` and go on after it.",
       .bind =
           [](Draft& d, const Value& v) {
             d.job.on_unreadable = static_cast<OnUnreadable>(v.choice);
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
       .help = "One signal; its name is what expressions say.",
       .begin = BeginSignal,
       .end = EndSignal},
      {.path = "input.signals.*.name",
       .kind = kText,
       .help = "The name of the data that are the signal's.",
       .bind = [](Draft& d, const Value& v) { d.signal->name = v.text; }},
      {.path = "input.signals.*.path",
       .kind = kPointer,
       .help = "JSON pointer to the value; with shape: datums one in the "
               "datum, by default input.value.",
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
       .help = "Smallest valid value, with its unit; a bare number is in the "
               "dimension's unit, where the feed's is the same.",
       .bind = BindMin},
      {.path = "input.signals.*.max",
       .kind = kQuantity,
       .help = "Greatest valid value, with its unit; a bare number is in the "
               "dimension's unit, where the feed's is the same.",
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
  };
}

}  // namespace tacho
