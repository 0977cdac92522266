#include "operators/row_writer.h"

#include <algorithm>

namespace tacho {
namespace {

// A lane has a writer for each of its streams.
constexpr size_t kTextChunkBytes = size_t{4} << 10;

}  // namespace

RowWriter::RowWriter(const RowSchema& schema, RowSink& sink,
                     LaneMetrics& metrics)
    : sink_(sink),
      metrics_(metrics),
      batch_(ColumnsOf(schema), kTextChunkBytes) {
  for (const OutputField& field : schema) {
    types_.push_back(field.type);
    nullable_.push_back(field.nullable);
  }
}

Batch& RowWriter::Align() {
  if (aligned_) return batch_;
  DCHECK(input_ != nullptr && batch_.records() == 0 && late_.empty());
  const Batch& input = *input_;
  const size_t rows = input.records();
  batch_.Reserve(rows);
  std::copy_n(input.vehicle.begin(), rows, batch_.vehicle.begin());
  std::copy_n(input.vehicle_id.begin(), rows, batch_.vehicle_id.begin());
  std::copy_n(input.event_time.begin(), rows, batch_.event_time.begin());
  std::copy_n(input.partition_time.begin(), rows,
              batch_.partition_time.begin());
  std::copy_n(input.vehicle_time.begin(), rows, batch_.vehicle_time.begin());
  std::copy_n(input.previous_row.begin(), rows, batch_.previous_row.begin());
  batch_.cause = input.cause;
  batch_.CommitRows(rows);
  aligned_ = true;
  return batch_;
}

void RowWriter::Begin(int64_t row, VehicleIndex vehicle,
                      std::string_view vehicle_id, Timestamp event_time) {
  DCHECK(!aligned_);
  row_ = batch_.records();
  field_ = 0;
  batch_.Reserve(row_ + 1);
  if (batch_.cause.size() < batch_.capacity()) {
    batch_.cause.resize(batch_.capacity());
  }
  DCHECK(row < 0 || input_ != nullptr);
  batch_.cause[row_] =
      row < 0 ? kNoCause : input_->CauseOf(static_cast<size_t>(row));
  batch_.vehicle[row_] = vehicle;
  batch_.vehicle_id[row_] = vehicle_id;
  batch_.event_time[row_] = event_time;
}

void RowWriter::Null() {
  DCHECK(field_ < types_.size());
  DCHECK(nullable_[field_]);
  batch_.columns[field_++].state[row_] = CellState::kNull;
}

void RowWriter::Overflow() {
  metrics_.sum_overflow.Add(1);
  Null();
}

void RowWriter::End() {
  DCHECK(field_ == types_.size());
  if (aligned_) return;
  batch_.CommitRow();
  if (batch_.records() >= kMaxRows) Flush();
}

void RowWriter::AddLate(size_t row, LateRecord::Missed missed, Timestamp from,
                        Timestamp to) {
  DCHECK(input_ != nullptr && !aligned_);
  late_.push_back(
      {batch_.records(), row, input_->CauseOf(row), missed, from, to});
  if (late_.size() >= kMaxRows) Flush();
}

void RowWriter::Late(size_t row, Timestamp window_start, Timestamp window_end) {
  AddLate(row, LateRecord::Missed::kWindow, window_start, window_end);
}

void RowWriter::LateBehind(size_t row, Timestamp last_sample) {
  AddLate(row, LateRecord::Missed::kLastSample, last_sample, last_sample);
}

void RowWriter::Flush(const uint8_t* selected) {
  if (batch_.records() == 0 && late_.empty()) return;
  sink_.Take(batch_, late_, selected);
  Clear();
}

void RowWriter::Clear() {
  batch_.Clear();
  late_.clear();
  aligned_ = false;
}

}  // namespace tacho
