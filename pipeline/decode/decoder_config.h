#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/signal.h"
#include "pipeline/base/time.h"
#include "pipeline/base/units.h"
#include "pipeline/decode/decoder_types.h"

namespace tacho {

enum class OnBad : uint8_t { kReject, kInvalid };

// How one signal is read from a message. Bounds are in the dimension's unit
// and apply after conversion, to numbers only.
//
// An int64 is written without fraction and exponent (else wrong_type); if its
// unit converts, the result is rounded to a whole number, ties to even.
struct SignalSource {
  Signal signal;
  // JSON pointer (RFC 6901), "/speed_kmph"; of shape datums into the datum, or
  // empty: DatumsSource::value_path.
  std::string path;
  std::string name;            // Of shape datums: which data are the signal's.
  const Unit* unit = nullptr;  // What the feed sends; nullptr: as is.
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  // The bounds of an int64 that a double may not hold; `min` and `max` are
  // about the same.
  std::optional<int64_t> whole_min;
  std::optional<int64_t> whole_max;
  bool required = false;          // Absent or null: missing_field.
  bool allow_string = false;      // "48.5" is taken as 48.5.
  OnBad on_bad = OnBad::kReject;  // A wrong type or range.
};

// What a number means as an event time. A text is ISO-8601 under every format:
// with its zone it cannot be misread; without one it is wrong_type.
enum class EventTimeFormat : uint8_t {
  kAuto,     // By its magnitude: epoch_parser.h has the thresholds.
  kIso8601,  // Nothing: wrong_type.
  kEpochSeconds,
  kEpochMillis,
  kEpochMicros,
  kEpochNanos,
};

struct EventTimeSource {
  std::string path;
  EventTimeFormat format = EventTimeFormat::kAuto;
  Timestamp min = FromEpochMillis(946684800000);  // 2000-01-01: clock_past.
  Timestamp max = kEndOfTime;                     // Above it: clock_future.
  Millis max_future_skew = std::chrono::minutes(5);
  bool clock_guard = true;  // Refuses event times past log time + skew.
};

// How the bytes of a Kafka key are a vehicle's id.
enum class KeyFormat : uint8_t {
  kText,   // The id itself: UTF-8 without control characters.
  kJson,   // A JSON text or whole number, or one in an object (`path`).
  kInt32,  // Big-endian, as Kafka's IntegerSerializer writes it: its digits.
  kInt64,  // The same of LongSerializer.
};

// What a message without a value is.
enum class Tombstones : uint8_t { kSkip, kReject };

// Which messages are the job's business: those whose value at `path` is one of
// `values` (as a job spells them: a text without quotes, 17, true, null), or
// those where it is none of them.
struct AcceptSource {
  std::string path;  // JSON pointer; empty: all messages.
  std::vector<std::string> values;
  bool takes_listed = true;
};

// Of shape datums: where the list is in the message, and where in a datum its
// name, its value, its time, and that it is invalid (true). JSON pointers; the
// last two may be empty.
struct DatumsSource {
  std::string list_path;
  std::string name_path;
  std::string value_path;
  std::string time_path;
  std::string invalid_path;
};

// Texts and ids are measured as JSON writes them, so that what a result can
// take is known before there is one.
struct DecodeLimits {
  size_t message_bytes = 1048576;
  size_t depth = 1024;
  size_t string_bytes = 65536;  // Of a signal's text.
  size_t vehicle_id_bytes = 256;
  size_t records_per_message = 10000;  // And elements of its lists.
};

// How the messages of an input become records.
struct DecoderConfig {
  // Rows of the tables in decoder_types.h.
  const FormatType* format = DefaultFormat();
  const FramingType* framing = DefaultFraming();
  const ShapeType* shape = DefaultShape();
  std::string vehicle_path;  // JSON pointer, or empty: the Kafka key.
  KeyFormat key_format = KeyFormat::kText;
  std::string key_path;  // Of kJson: JSON pointer into it, or empty.
  Tombstones tombstones = Tombstones::kSkip;
  AcceptSource accept;
  EventTimeSource event_time;
  DatumsSource datums;
  std::vector<SignalSource> signals;
  DecodeLimits limits;

  SignalSchema Schema() const;
};

// What rejects are counted by, in the order of RejectSite::site: "message",
// "vehicle", "event_time", then the signals by name.
inline constexpr size_t kMessageSite = 0;
inline constexpr size_t kVehicleSite = 1;
inline constexpr size_t kEventTimeSite = 2;
inline constexpr size_t kFirstSignalSite = 3;
std::vector<std::string> RejectSites(const DecoderConfig& config);

}  // namespace tacho
