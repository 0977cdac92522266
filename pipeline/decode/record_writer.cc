#include "pipeline/decode/record_writer.h"

#include <algorithm>

namespace tacho {

// Most messages are one record each.
void RecordWriter::Start(Batch& batch) {
  batch_ = &batch;
  batch.Reserve(batch.records() + batch.messages.size());
  BindColumns();
}

void RecordWriter::Grow() {
  batch_->Reserve(row_ + 1);
  BindColumns();
}

// One row past the whole records may have been begun.
void RecordWriter::RollBack() {
  const size_t first = batch_->records();
  const size_t end = std::min(next_row_ + 1, batch_->capacity());
  for (const Cells& cells : cells_) {
    std::fill(cells.state + first, cells.state + end, CellState::kAbsent);
  }
}

void RecordWriter::BindColumns() {
  capacity_ = batch_->capacity();
  message_indexes_ = batch_->message_index.data();
  vehicle_ids_ = batch_->vehicle_id.data();
  event_times_ = batch_->event_time.data();
  cells_.clear();
  for (Column& column : batch_->columns) {
    cells_.push_back({column.state.data(), column.doubles.data(),
                      column.ints.data(), column.bools.data(),
                      column.strings.data()});
  }
}

}  // namespace tacho
