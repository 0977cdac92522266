#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "pipeline/base/batch.h"

namespace tacho {

// Writes records into a batch, cell by cell, and takes back what a message has
// written if it turns out to be refused. Knows nothing of formats.
//
// Per batch: Start. Per message: StartMessage, then any number of records
// (StartRecord, cells, EndRecord), and at last Commit or RollBack. A cell that
// is not set is absent.
//
// Threading: one batch at a time.
// Limits: allocates only where a batch has more records than any before it.
class RecordWriter {
 public:
  void Start(Batch& batch);
  void StartMessage(uint32_t message) {
    message_ = message;
    next_row_ = batch_->records();
  }
  // `vehicle` is a view into the batch.
  void StartRecord(std::string_view vehicle, Timestamp event_time) {
    row_ = next_row_;
    if (row_ == capacity_) [[unlikely]] {
      Grow();
    }
    vehicle_ids_[row_] = vehicle;
    event_times_[row_] = event_time;
  }

  // The cells of the record that was started last, by index in the schema; the
  // type is that of the column.
  void SetDouble(size_t signal, double value) {
    const Cells& cells = cells_[signal];
    cells.doubles[row_] = value;
    cells.state[row_] = CellState::kValid;
  }
  void SetInt64(size_t signal, int64_t value) {
    const Cells& cells = cells_[signal];
    cells.ints[row_] = value;
    cells.state[row_] = CellState::kValid;
  }
  void SetBool(size_t signal, bool value) {
    const Cells& cells = cells_[signal];
    cells.bools[row_] = value;
    cells.state[row_] = CellState::kValid;
  }
  // `value` is a view into the batch.
  void SetString(size_t signal, std::string_view value) {
    const Cells& cells = cells_[signal];
    cells.strings[row_] = value;
    cells.state[row_] = CellState::kValid;
  }
  void SetState(size_t signal, CellState state) {
    cells_[signal].state[row_] = state;
  }
  CellState state(size_t signal) const { return cells_[signal].state[row_]; }

  // The record that was started last is whole.
  void EndRecord() {
    message_indexes_[row_] = message_;
    next_row_ = row_ + 1;
  }
  // The message's whole records are the batch's. No other is begun.
  void Commit() {
    while (batch_->records() < next_row_) batch_->CommitRow();
  }
  // The message leaves no record, whole or not.
  void RollBack();

  Batch& batch() { return *batch_; }
  Arena& arena() { return batch_->arena; }

 private:
  // Where a column's cells are; those of its type.
  struct Cells {
    CellState* state;
    double* doubles;
    int64_t* ints;
    uint8_t* bools;
    std::string_view* strings;
  };

  void Grow();
  void BindColumns();

  // The batch, its capacity, and where its columns are.
  Batch* batch_ = nullptr;
  size_t capacity_ = 0;
  uint32_t* message_indexes_ = nullptr;
  std::string_view* vehicle_ids_ = nullptr;
  Timestamp* event_times_ = nullptr;
  std::vector<Cells> cells_;
  uint32_t message_ = 0;
  size_t row_ = 0;       // Of the record that was started last.
  size_t next_row_ = 0;  // After the message's whole records.
};

}  // namespace tacho
