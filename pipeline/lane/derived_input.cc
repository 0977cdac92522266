#include "pipeline/lane/derived_input.h"

#include <algorithm>

namespace tacho {
namespace {

constexpr size_t kTextChunkBytes = size_t{4} << 10;

// Texts are copied: what is read is emptied before this is.
void CopyCell(const Column& from, size_t from_row, Batch& batch, Column& to,
              size_t row) {
  to.state[row] = from.state[from_row];
  if (to.state[row] != CellState::kValid) return;
  switch (from.type) {
    case SignalType::kDouble:
      to.doubles[row] = from.doubles[from_row];
      break;
    case SignalType::kInt64:
      to.ints[row] = from.ints[from_row];
      break;
    case SignalType::kBool:
      to.bools[row] = from.bools[from_row];
      break;
    case SignalType::kString:
      to.strings[row] = batch.arena.Copy(from.strings[from_row]);
      break;
  }
}

}  // namespace

DerivedInput::DerivedInput(const RowSchema& schema, Millis held_back,
                           Millis vehicle_forget)
    : held_back_(held_back),
      clock_(vehicle_forget),
      batch_(ColumnsOf(schema), kTextChunkBytes) {}

void DerivedInput::Open(LaneState& state, const std::string& stream) {
  clock_.Open(state, stream + ".clock");
}

Timestamp DerivedInput::HeldBack(Timestamp lane_time) const {
  const bool is_time = lane_time != kNoTime && lane_time != kEndOfTime;
  return is_time ? lane_time - held_back_ : lane_time;
}

void DerivedInput::SetPartitionTime(Timestamp lane_time) {
  if (lane_time != kEndOfTime) clock_.SetPartitionTime(HeldBack(lane_time));
}

void DerivedInput::Begin(const Batch* records) {
  batch_.Clear();
  selection_.clear();
  records_ = records;
  next_tick_ = 0;
}

size_t DerivedInput::NewRow(uint8_t selected) {
  const size_t row = batch_.records();
  batch_.Reserve(row + 1);
  if (batch_.cause.size() < batch_.capacity()) {
    batch_.cause.resize(batch_.capacity());
  }
  batch_.CommitRow();
  selection_.push_back(selected);
  return row;
}

void DerivedInput::AddTicks(size_t end) {
  for (; next_tick_ < end; ++next_tick_) {
    const size_t row = NewRow(0);
    batch_.vehicle[row] = records_->vehicle[next_tick_];
    batch_.vehicle_id[row] = records_->vehicle_id[next_tick_];
    batch_.event_time[row] = HeldBack(records_->event_time[next_tick_]);
    batch_.cause[row] = static_cast<int32_t>(next_tick_);
  }
}

void DerivedInput::Add(const Batch& rows, const uint8_t* selected) {
  for (size_t from = 0; from < rows.records(); ++from) {
    if (selected != nullptr && selected[from] == 0) continue;
    const int32_t cause = rows.CauseOf(from);
    if (cause != kNoCause) AddTicks(static_cast<size_t>(cause));
    const size_t row = NewRow(1);
    batch_.vehicle[row] = rows.vehicle[from];
    batch_.vehicle_id[row] = rows.vehicle_id[from];
    batch_.event_time[row] = rows.event_time[from];
    batch_.cause[row] = cause;
    for (size_t i = 0; i < batch_.columns.size(); ++i) {
      CopyCell(rows.columns[i], from, batch_, batch_.columns[i], row);
    }
  }
}

void DerivedInput::Finish() {
  if (records_ != nullptr) AddTicks(records_->records());
  clock_.Observe(batch_);
}

}  // namespace tacho
