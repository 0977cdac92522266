#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/batch.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/metrics.h"
#include "pipeline/base/output_buffer.h"
#include "pipeline/base/signal.h"
#include "pipeline/base/time.h"
#include "state/lane_state.h"

namespace tacho {

enum class FieldType : uint8_t { kText, kInt64, kDouble, kBool, kTime };

// One field of what an operator emits, in order. Quantities are in the
// dimension's unit.
struct OutputField {
  std::string name;
  FieldType type = FieldType::kDouble;
  Dimension dimension = Dimension::kNone;

  bool operator==(const OutputField&) const = default;
};

// kIso8601: a time that RFC 3339 can't write (before year 0, after 9999) stays
// a number.
enum class TimeFormat : uint8_t { kEpochMillis, kIso8601 };

// Where a stream's rows go, and how they are written.
struct OutputOptions {
  std::optional<SinkId> sink;       // Nothing: counted, not written.
  std::optional<SinkId> late_sink;  // Nothing: `late: drop`.
  // Key and value of a late record are cut to this, with headers that say so.
  size_t late_bytes = kOriginalBytes;
  TimeFormat time_format = TimeFormat::kEpochMillis;
  std::string stream;  // For the headers of late records.
  std::string job;
  std::string topic;  // Of the lane's input.
  int32_t partition = 0;
};

// Writes what the operators of one stream emit into the lane's epoch, as JSON
// objects keyed by vehicle id.
//
//   emitter.Begin(row, vehicle);        // the row that caused it, -1: Advance
//   emitter.Text(...), Time(...), ...   // one call per OutputField, in order
//   emitter.End();
//
// Doubles are printed as the shortest text that reads back the same; a
// non-finite double is written as null. Texts are valid UTF-8 (decode saw to
// it) and go out as they are, but for what RFC 8259 wants escaped. Outputs of
// row -1 carry the cause given to SetTarget and no log time.
//
// Threading: the lane's thread only. Allocates nothing once its buffers have
// grown.
class Emitter {
 public:
  Emitter(OutputOptions options, std::vector<OutputField> fields,
          const LaneState& state, LaneMetrics& metrics);

  // The epoch's buffer and the batch being processed; `first_cause` is the
  // lane's ordinal of the batch's row 0. batch == nullptr: outside a batch.
  void SetTarget(OutputBuffer* out, const Batch* batch, uint64_t first_cause);

  void Begin(int64_t row, VehicleIndex vehicle);
  void Text(std::string_view value);
  void Int(int64_t value);
  void Double(double value);
  void Bool(bool value);
  void Time(Timestamp value);
  void Null();
  void End();

  // Sends the original message of `row` to the late output, cut to
  // late_bytes, with the window that it missed, and counts it.
  void Late(size_t row, Timestamp window_start, Timestamp window_end);

 private:
  char* Field(FieldType type, size_t value_bytes);
  void AddNumber(std::string_view name, int64_t value);

  OutputOptions options_;
  std::vector<FieldType> types_;
  std::vector<std::string> prefixes_;  // `{"a":`, `,"b":`, ...
  const LaneState& state_;
  LaneMetrics& metrics_;
  OutputBuffer* out_ = nullptr;
  const Batch* batch_ = nullptr;
  uint64_t first_cause_ = 0;
  size_t field_ = 0;
  std::vector<char> row_;  // The object being written.
  size_t row_size_ = 0;
};

// Appends `value` as the inside of a JSON string to `out`, which has room for
// kMaxEscape bytes a byte; returns the end.
inline constexpr size_t kMaxEscape = 6;
char* EscapeJson(std::string_view value, char* out);

}  // namespace tacho
