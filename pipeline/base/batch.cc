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

Batch::Batch(const SignalSchema& schema, size_t chunk_bytes)
    : arena(Arena::kRetainedBytes, chunk_bytes), columns(schema.size()) {
  for (size_t i = 0; i < schema.size(); ++i) columns[i].type = schema[i].type;
}

Message& Batch::AddMessage(Offset offset, Timestamp log_time,
                           std::string_view key, std::string_view value) {
  Message& message = messages.emplace_back();
  message.offset = offset;
  message.log_time = log_time;
  if (key.data() != nullptr) message.key = arena.Copy(key);
  if (value.data() != nullptr) message.value = arena.Copy(value);
  return message;
}

void Batch::AddUnreadable(Offset offset, Offset end, std::string_view reason) {
  Message& message = messages.emplace_back();
  message.offset = offset;
  message.unreadable = true;
  unreadable.push_back(
      {static_cast<uint32_t>(messages.size() - 1), end, arena.Copy(reason)});
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
  unreadable.clear();
  skipped = 0;
  invalid_values = 0;
  json_keys = 0;
  records_ = 0;
}

}  // namespace tacho
