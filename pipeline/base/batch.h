#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pipeline/base/arena.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/reject.h"
#include "pipeline/base/signal.h"
#include "pipeline/base/time.h"

namespace tacho {

// Raw bytes as Kafka gave them. Views point into the batch's arena.
struct Message {
  Offset offset = kNoOffset;
  Timestamp log_time = kNoLogTime;
  std::string_view key;           // data() == nullptr: no key.
  std::string_view value;         // data() == nullptr: tombstone.
  std::string_view headers = {};  // As in headers.h; cut to HeaderLimits.
  uint32_t headers_dropped = 0;   // How many did not fit them.
  bool unreadable = false;        // No message: see Unreadable.
};

// A stretch of the log that the client cannot read, a batch that does not
// unpack for instance. It stands in the batch as a message without anything.
struct Unreadable {
  uint32_t message;  // Index into Batch::messages; its offset is the first.
  Offset end;        // The first offset after it.
  std::string_view reason;
};

// What a cell of a column holds. Only kValid cells have a value.
enum class CellState : uint8_t {
  kAbsent,   // The record does not mention the signal.
  kNull,     // The sender said null: no reading.
  kInvalid,  // The sender, or `on_bad: invalid`, said that it is not usable.
  kValid,
};

// One signal over the records of a batch. Only the vector of the signal's type
// is used; all used vectors have Batch::capacity() cells.
struct Column {
  SignalType type = SignalType::kDouble;
  std::vector<CellState> state;
  std::vector<double> doubles;
  std::vector<int64_t> ints;
  std::vector<uint8_t> bools;
  std::vector<std::string_view> strings;  // Into the message or the arena.

  void Resize(size_t rows);
};

// What Batch::cause says of a row that no record has caused.
inline constexpr int32_t kNoCause = -1;

// Rows of a batch that an operator is given at once. It moves `row` along, so
// that a timer which it sets can move `end` to where that is due:
//
//   for (size_t& row = range.row; row < range.end; ++row) ...
struct RowRange {
  RowRange(size_t first, size_t after) : begin(first), end(after), row(first) {}

  size_t begin;
  size_t end;  // Exclusive; never at or before `row` while a row is processed.
  size_t row;
  bool begins_fresh = false;  // The first row's vehicle was never seen before,
                              // or is forgotten.
};

// The unit of work between stages: messages of one lane in offset order, the
// records decoded from them as columns, and the arena that backs both.
//
// A batch is filled in three steps, each by one stage: consume appends
// messages; decode fills records and rejects; the lane fills `vehicle` and
// the time columns. Rows are in (offset, index in message) order. A batch
// never splits a message.
//
// What an operator makes is a batch, too: rows without messages, whose columns
// are the operator's fields, and each of which names its cause (RowWriter).
//
// Lifetime: recycled through Clear, which keeps all capacity; nothing of a
// batch may be kept past the end of operate.
// Threading: one thread at a time.
class Batch {
 public:
  explicit Batch(const SignalSchema& schema,
                 size_t chunk_bytes = Arena::kChunkBytes);
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // Copies a message into the arena. `key` or `value` with null data stays
  // null. What may be added to it (headers) is there until the next call.
  Message& AddMessage(Offset offset, Timestamp log_time, std::string_view key,
                      std::string_view value);
  // The log from `offset` to `end` cannot be read, for this reason.
  void AddUnreadable(Offset offset, Offset end, std::string_view reason);

  // Makes room for at least `rows` records, all cells absent from row
  // `records()` on. Decode calls it before it writes row `records()`.
  void Reserve(size_t rows);
  // Accepts the row that decode has just filled at index `records()`.
  void CommitRow() { CommitRows(1); }
  void CommitRows(size_t rows) { records_ += rows; }
  // Forgets what decode wrote for signal cells of row `records()`.
  void ClearRow();

  void Clear();

  size_t records() const { return records_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return messages.empty(); }
  size_t bytes() const { return arena.used_bytes(); }
  // The row of the decoded batch that `row` comes of; kNoCause: none.
  int32_t CauseOf(size_t row) const {
    return cause.empty() ? static_cast<int32_t>(row) : cause[row];
  }

  // Step 1: consume.
  Arena arena;
  std::vector<Message> messages;
  std::vector<Unreadable> unreadable;  // In message order.

  // Step 2: decode. Valid for rows [0, records()).
  std::vector<uint32_t> message_index;       // Into `messages`.
  std::vector<std::string_view> vehicle_id;  // Never empty.
  std::vector<Timestamp> event_time;
  std::vector<Column> columns;  // In SignalSchema order.
  std::vector<Reject> rejects;  // In message order.
  uint64_t skipped = 0;         // Messages that are nothing to the job.
  uint64_t invalid_values = 0;  // Cells that `on_bad: invalid` has emptied.
  uint64_t json_keys = 0;       // Ids that look like JSON, read as text.

  // Step 3: the lane. Each value is as it stands when its row is processed,
  // that is, after time has moved to the row.
  std::vector<VehicleIndex> vehicle;
  std::vector<Timestamp> partition_time;  // Greatest event time so far.
  std::vector<Timestamp> vehicle_time;    // The same, of the vehicle.
  std::vector<int32_t> previous_row;      // Of the same vehicle; -1: none.

  // Of rows that an operator made; decoded ones are their own cause.
  std::vector<int32_t> cause;

 private:
  size_t records_ = 0;
  size_t capacity_ = 0;
};

}  // namespace tacho
