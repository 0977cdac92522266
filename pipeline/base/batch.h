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
  std::string_view key;    // data() == nullptr: no key.
  std::string_view value;  // data() == nullptr: tombstone.
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

// The unit of work between stages: messages of one lane in offset order, the
// records decoded from them as columns, and the arena that backs both.
//
// A batch is filled in three steps, each by one stage: consume appends
// messages; decode fills records and rejects; the lane fills `vehicle` and
// the time columns. Rows are in (offset, index in message) order. A batch
// never splits a message.
//
// Lifetime: recycled through Clear, which keeps all capacity; nothing of a
// batch may be kept past the end of operate.
// Threading: one thread at a time.
class Batch {
 public:
  explicit Batch(const SignalSchema& schema);
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;

  // Copies a message into the arena. `key` or `value` with null data stays
  // null.
  void AddMessage(Offset offset, Timestamp log_time, std::string_view key,
                  std::string_view value);

  // Makes room for at least `rows` records, all cells absent from row
  // `records()` on. Decode calls it before it writes row `records()`.
  void Reserve(size_t rows);
  // Accepts the row that decode has just filled at index `records()`.
  void CommitRow() { ++records_; }
  // Forgets what decode wrote for signal cells of row `records()`.
  void ClearRow();

  void Clear();

  size_t records() const { return records_; }
  size_t capacity() const { return capacity_; }
  bool empty() const { return messages.empty(); }
  size_t bytes() const { return arena.used_bytes(); }

  // Step 1: consume.
  Arena arena;
  std::vector<Message> messages;

  // Step 2: decode. Valid for rows [0, records()).
  std::vector<uint32_t> message_index;       // Into `messages`.
  std::vector<std::string_view> vehicle_id;  // Never empty.
  std::vector<Timestamp> event_time;
  std::vector<Column> columns;  // In SignalSchema order.
  std::vector<Reject> rejects;  // In message order.

  // Step 3: the lane. Each value is as it stands when its row is processed,
  // that is, after time has moved to the row.
  std::vector<VehicleIndex> vehicle;
  std::vector<Timestamp> partition_time;  // Greatest event time so far.
  std::vector<Timestamp> vehicle_time;    // The same, of the vehicle.
  std::vector<int32_t> previous_row;      // Of the same vehicle; -1: none.

 private:
  size_t records_ = 0;
  size_t capacity_ = 0;
};

}  // namespace tacho
