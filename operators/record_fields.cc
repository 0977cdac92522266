#include "operators/record_fields.h"

namespace tacho {

RowSchema RecordFields() {
  return {{"vehicle_id", FieldType::kText, Dimension::kNone, {1, 0}},
          {"time", FieldType::kTime, Dimension::kNone}};
}

void FillRecordFields(const Batch& records, const RowRange& range, Batch& out) {
  Column& vehicle_id = out.columns[0];
  Column& time = out.columns[1];
  for (size_t row = range.begin; row < range.end; ++row) {
    vehicle_id.strings[row] = records.vehicle_id[row];
    vehicle_id.state[row] = CellState::kValid;
    time.ints[row] = ToEpochMillis(records.event_time[row]);
    time.state[row] = CellState::kValid;
  }
}

OutputField FieldOf(const Signal& signal) {
  OutputField field{signal.name, FieldType::kDouble, signal.dimension};
  field.feed_unit = signal.feed_unit;
  field.relative = signal.relative;
  switch (signal.type) {
    case SignalType::kDouble:
      break;
    case SignalType::kInt64:
      field.type = FieldType::kInt64;
      break;
    case SignalType::kBool:
      field.type = FieldType::kBool;
      break;
    case SignalType::kString:
      field.type = FieldType::kText;
      break;
  }
  return field;
}

}  // namespace tacho
