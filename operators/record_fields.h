#pragma once

#include <cstddef>

#include "operators/row_schema.h"
#include "pipeline/base/batch.h"

namespace tacho {

// The first fields of a row that an operator makes of each record: vehicle_id
// and time, the record's event time.
inline constexpr size_t kRecordFields = 2;
RowSchema RecordFields();

// Fills their columns in `out`, whose rows are those of `records`.
void FillRecordFields(const Batch& records, const RowRange& range, Batch& out);

// A signal as a field of the same name, type and unit.
OutputField FieldOf(const Signal& signal);

}  // namespace tacho
