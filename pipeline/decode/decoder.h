#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/base/status.h"
#include "pipeline/base/units.h"

namespace tacho {

enum class OnBad : uint8_t { kReject, kInvalid };

// How one signal is read from a message. Bounds are in the dimension's unit
// and apply after conversion, to numbers only.
//
// An int64 is written without fraction and exponent (else wrong_type); if its
// unit converts, the result is rounded to a whole number, ties to even.
struct SignalSource {
  Signal signal;
  std::string path;            // JSON pointer (RFC 6901), "/speed_kmph".
  const Unit* unit = nullptr;  // What the feed sends; nullptr: as is.
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool required = false;          // Absent or null: missing_field.
  bool allow_string = false;      // "48.5" is taken as 48.5.
  OnBad on_bad = OnBad::kReject;  // A wrong type or range.
};

// What a number means as an event time. A text is ISO-8601 under every format:
// with its zone it cannot be misread; without one it is wrong_type.
enum class EventTimeFormat : uint8_t {
  kAuto,     // By its magnitude: timestamp_parser.h has the thresholds.
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

struct DecodeLimits {
  size_t message_bytes = 1048576;
  size_t depth = 1024;
  size_t string_bytes = 65536;  // Of a signal's text.
  size_t vehicle_id_bytes = 256;
  size_t records_per_message = 10000;
};

struct DecoderConfig {
  std::string vehicle_path;  // JSON pointer, or empty: the Kafka key.
  EventTimeSource event_time;
  std::vector<SignalSource> signals;
  DecodeLimits limits;

  SignalSchema Schema() const;
};

// Turns the messages of a batch into records and rejects. Fully validating:
// a message is accepted only if all of it is valid (RFC 8259, UTF-8), read or
// not. Duplicate keys: the first wins.
//
// Threading: one batch at a time; one decoder per lane.
class Decoder {
 public:
  virtual ~Decoder() = default;

  // Fills the batch's records, columns and rejects from its messages. Data
  // never makes it fail.
  virtual void Decode(Batch& batch) = 0;
};

// One JSON object per message, one record per object.
std::unique_ptr<Decoder> MakeWideDecoder(const DecoderConfig& config);

// A decoder by its name in the job file, or nullptr. Names for "did you mean".
std::unique_ptr<Decoder> MakeDecoder(std::string_view name,
                                     const DecoderConfig& config);
std::vector<std::string_view> DecoderNames();

}  // namespace tacho
