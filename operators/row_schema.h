#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "pipeline/base/signal.h"

namespace tacho {

// A time is held in an int64 column, as epoch milliseconds.
enum class FieldType : uint8_t { kText, kInt64, kDouble, kBool, kTime };

// How long a text can be, as JSON writes it between quotes
// (EscapedJsonSize).
struct TextBound {
  size_t vehicle_ids = 0;  // How often it holds the vehicle's id.
  size_t fixed_bytes = 0;  // What else is in it.

  // Neither: a signal's text.
  bool is_signal() const { return vehicle_ids == 0 && fixed_bytes == 0; }
  bool operator==(const TextBound&) const = default;
};

// One field of the rows that an operator makes. Quantities are in the
// dimension's unit.
struct OutputField {
  std::string name;
  FieldType type = FieldType::kDouble;
  Dimension dimension = Dimension::kNone;
  TextBound text = {};              // Of kText.
  bool nullable = false;            // A row may have no value here.
  bool relative = false;            // As in Signal.
  const Unit* feed_unit = nullptr;  // As in Signal.
  // What the sink wants a number in; nullptr: the canonical unit.
  const Unit* unit = nullptr;

  bool operator==(const OutputField&) const = default;
};

// The fields of an operator's rows, in order.
using RowSchema = std::vector<OutputField>;

// `schema` as a sink wants it: numbers of a dimension that one of `units` is
// of are written in that unit.
RowSchema WithUnits(RowSchema schema, const std::vector<const Unit*>& units);

// The columns that hold rows of `schema`: what a batch of them is made for.
SignalSchema ColumnsOf(const RowSchema& schema);

}  // namespace tacho
