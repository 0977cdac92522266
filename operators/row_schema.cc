#include "operators/row_schema.h"

#include <utility>

#include "pipeline/base/units.h"

namespace tacho {
namespace {

SignalType CellType(FieldType type) {
  switch (type) {
    case FieldType::kText:
      return SignalType::kString;
    case FieldType::kInt64:
    case FieldType::kTime:
      return SignalType::kInt64;
    case FieldType::kBool:
      return SignalType::kBool;
    case FieldType::kDouble:
      break;
  }
  return SignalType::kDouble;
}

}  // namespace

RowSchema WithUnits(RowSchema schema, const std::vector<const Unit*>& units) {
  for (OutputField& field : schema) {
    if (field.dimension == Dimension::kNone) continue;
    for (const Unit* const unit : units) {
      if (unit->dimension != field.dimension) continue;
      field.unit = unit->is_canonical() ? nullptr : unit;
    }
  }
  return schema;
}

SignalSchema ColumnsOf(const RowSchema& schema) {
  std::vector<Signal> signals;
  for (const OutputField& field : schema) {
    signals.push_back({field.name, CellType(field.type), field.dimension,
                       field.feed_unit, field.relative});
  }
  return SignalSchema(std::move(signals));
}

}  // namespace tacho
