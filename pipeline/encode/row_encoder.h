#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "operators/row_schema.h"
#include "pipeline/base/batch.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/output_buffer.h"
#include "pipeline/base/time.h"

namespace tacho {

// kIso8601: a time that RFC 3339 can't write (before year 0, after 9999) stays
// a number.
enum class TimeFormat : uint8_t { kEpochMillis, kIso8601 };

// How a sink wants its rows.
struct EncoderOptions {
  TimeFormat time_format = TimeFormat::kEpochMillis;
};

// Where rows go, and what their causes are rows of.
struct RowTarget {
  OutputBuffer* out = nullptr;
  SinkId sink = 0;
  // The decoded batch that is processed; nullptr: no record causes anything.
  const Batch* records = nullptr;
  // The lane's ordinal of its first record, and of what has no cause.
  uint64_t first_cause = 0;
};

// Which rows of a batch.
struct RowSlice {
  size_t begin = 0;
  size_t end = 0;
  const uint8_t* selected = nullptr;  // By row, 1: it is; nullptr: all are.
};

// Makes messages of rows: each row becomes one, keyed by its vehicle's id,
// appended to the epoch's buffer. It carries the ordinal and the log time of
// the record that has caused it; a row without a cause has no log time.
//
// Threading: one thread at a time. Allocates nothing per row once the buffer
// has grown.
class RowEncoder {
 public:
  virtual ~RowEncoder() = default;

  // REQUIRES: a batch of the schema that the encoder was made for.
  virtual void Encode(const Batch& rows, const RowSlice& range,
                      const RowTarget& target) = 0;

 protected:
  // Begins the message of `row`: sink, cause and key. Its value follows.
  static void BeginRow(const Batch& rows, size_t row, const RowTarget& target);
  static void EndRow(const RowTarget& target) {
    target.out->EndValue();
    target.out->End();
  }
};

// The greatest texts that a row may hold, as JSON writes them.
struct TextLimits {
  size_t string_bytes = 0;
  size_t vehicle_id_bytes = 0;
};

// An encoding: its name in the job file, and how to make one.
struct RowEncoding {
  std::string_view name;
  std::string_view help;  // One line.
  std::unique_ptr<RowEncoder> (*make)(const RowSchema& schema,
                                      const EncoderOptions& options);
  // The greatest value that a row of `schema` becomes.
  size_t (*max_bytes)(const RowSchema& schema, const TextLimits& limits);
};

// All encodings; the first is the default.
const std::vector<RowEncoding>& RowEncodings();
const RowEncoding* FindRowEncoding(std::string_view name);
// For "did you mean" and the schema.
std::vector<std::string_view> RowEncodingNames();

}  // namespace tacho
