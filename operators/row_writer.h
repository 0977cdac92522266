#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "operators/row_schema.h"
#include "pipeline/base/batch.h"
#include "pipeline/base/check.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/metrics.h"
#include "pipeline/base/time.h"

namespace tacho {

// A record that an operator could not take any more, and what it came after.
struct LateRecord {
  enum class Missed : uint8_t { kWindow, kLastSample };

  size_t at;      // How many rows of the batch came before it.
  size_t row;     // Of the operator's input.
  int32_t cause;  // As Batch::cause; kNoCause only of a row that was made.
  Missed missed;
  Timestamp from;  // Start of the window, or time of the last sample.
  Timestamp to;    // End of the window.
};

// Where the rows of a stream's last operator go.
class RowSink {
 public:
  virtual ~RowSink() = default;
  // A batch of rows, and late records between them, in order. `selected` says
  // by row whether it counts, 1: it does; nullptr: all do. None of it is there
  // any more after the call.
  virtual void Take(const Batch& rows, const std::vector<LateRecord>& late,
                    const uint8_t* selected) = 0;
};

// Appends the rows that an operator makes to a batch of its schema, and hands
// the batch on whenever it is full.
//
//   rows.Begin(row, vehicle, vehicle_id, event_time);  // row: what caused it
//   or rows.BeginDue(vehicle, vehicle_id, event_time); // where timers fire
//   rows.Text(...), Time(...), ...  // One call per OutputField, in order.
//   rows.End();
//
// An operator that makes one row of every record works on whole columns
// instead:
//
//   Batch& out = rows.Align();      // The input's rows, without cells yet,
//   out.columns[0].doubles[row] =   // to be filled column by column.
//
// The stream's selection says which of its rows count.
//
// A text of Text stays where it is until the batch has been processed: state of
// a vehicle, the job, or the batch that is processed. What does not is given
// to CopyText. A double that is not finite is no value: null.
//
// Fields in another order or of another type, null where the schema has none,
// and Late on aligned rows are bugs that debug builds alone find.
//
// Limits: kMaxRows rows and late records are held; as many as the input has if
// they are aligned.
// Threading: the lane's thread only. Allocates nothing once its batch has
// grown.
class RowWriter {
 public:
  static constexpr size_t kMaxRows = 64;

  // Both outlive it.
  RowWriter(const RowSchema& schema, RowSink& sink, LaneMetrics& metrics);

  // Whose rows are the causes from here on; nullptr: nothing is.
  void SetInput(const Batch* input) { input_ = input; }
  // The row before which timers fire from here on.
  void SetDueRow(size_t row) { due_row_ = static_cast<int64_t>(row); }

  // The batch has the input's rows: vehicles, times and causes. REQUIRES: an
  // input; nothing but them since the last Flush.
  Batch& Align();
  bool aligned() const { return aligned_; }
  const Batch& batch() const { return batch_; }

  // `row` is of the input, or kNoCause. `vehicle_id` as for Text.
  void Begin(int64_t row, VehicleIndex vehicle, std::string_view vehicle_id,
             Timestamp event_time);
  // Its cause is the row before which timers fire; outside a batch, none.
  void BeginDue(VehicleIndex vehicle, std::string_view vehicle_id,
                Timestamp event_time) {
    Begin(input_ == nullptr ? kNoRow : due_row_, vehicle, vehicle_id,
          event_time);
  }
  void Text(std::string_view value) {
    NextCell(FieldType::kText).strings[row_] = value;
  }
  void CopyText(std::string_view value) { Text(batch_.arena.Copy(value)); }
  void Int(int64_t value) { NextCell(FieldType::kInt64).ints[row_] = value; }
  void Double(double value) {
    if (!std::isfinite(value)) return Null();
    NextCell(FieldType::kDouble).doubles[row_] = value;
  }
  void Bool(bool value) {
    NextCell(FieldType::kBool).bools[row_] = value ? 1 : 0;
  }
  void Time(Timestamp value) {
    NextCell(FieldType::kTime).ints[row_] = ToEpochMillis(value);
  }
  void Null();
  // A sum that its type does not hold: null, and counted.
  void Overflow();
  void End();

  // Sends the message of `row` to the late output, with the window that it
  // missed.
  void Late(size_t row, Timestamp window_start, Timestamp window_end);
  // The same of an operator without windows: with the time of the sample that
  // it came after.
  void LateBehind(size_t row, Timestamp last_sample);

  // Hands on what there is, and empties the batch.
  void Flush(const uint8_t* selected = nullptr);
  // Empties it.
  void Clear();

 private:
  // The next cell's column; valid from here on.
  Column& NextCell(FieldType type) {
    DCHECK(field_ < types_.size());
    DCHECK(types_[field_] == type);
    (void)type;
    Column& column = batch_.columns[field_++];
    column.state[row_] = CellState::kValid;
    return column;
  }
  void AddLate(size_t row, LateRecord::Missed missed, Timestamp from,
               Timestamp to);

  std::vector<FieldType> types_;
  std::vector<bool> nullable_;
  RowSink& sink_;
  LaneMetrics& metrics_;
  static constexpr int64_t kNoRow = -1;

  const Batch* input_ = nullptr;
  int64_t due_row_ = kNoRow;
  Batch batch_;
  std::vector<LateRecord> late_;
  bool aligned_ = false;  // Its rows are the input's.
  size_t row_ = 0;        // Of the row being written.
  size_t field_ = 0;      // Of its next cell.
};

}  // namespace tacho
