#include "pipeline/base/batch.h"

#include <algorithm>

namespace tacho {

void Column::Resize(size_t rows) {
  state.resize(rows, CellState::kAbsent);
  switch (type) {
    case SignalType::kDouble:
      doubles.resize(rows);
      break;
    case SignalType::kInt64:
      ints.resize(rows);
      break;
    case SignalType::kBool:
      bools.resize(rows);
      break;
    case SignalType::kString:
      strings.resize(rows);
      break;
  }
}

Batch::Batch(const SignalSchema& schema) : columns(schema.size()) {
  for (size_t i = 0; i < schema.size(); ++i) columns[i].type = schema[i].type;
}

void Batch::AddMessage(Offset offset, Timestamp log_time, std::string_view key,
                       std::string_view value) {
  messages.push_back(
      {offset, log_time,
       key.data() == nullptr ? std::string_view() : arena.Copy(key),
       value.data() == nullptr ? std::string_view() : arena.Copy(value)});
}

void Batch::Reserve(size_t rows) {
  if (rows <= capacity_) return;
  capacity_ = std::max(rows, capacity_ * 2);
  message_index.resize(capacity_);
  vehicle_id.resize(capacity_);
  event_time.resize(capacity_);
  vehicle.resize(capacity_);
  partition_time.resize(capacity_);
  vehicle_time.resize(capacity_);
  previous_row.resize(capacity_);
  for (Column& column : columns) column.Resize(capacity_);
}

void Batch::ClearRow() {
  for (Column& column : columns) column.state[records_] = CellState::kAbsent;
}

void Batch::Clear() {
  // Only rows that were written can hold something; one more than records()
  // may have been started and refused.
  const size_t touched = std::min(records_ + 1, capacity_);
  for (Column& column : columns) {
    std::fill_n(column.state.begin(), touched, CellState::kAbsent);
  }
  arena.Reset();
  messages.clear();
  rejects.clear();
  records_ = 0;
}

}  // namespace tacho
