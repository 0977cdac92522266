#pragma once

#include <memory>
#include <string>
#include <vector>

#include "pipeline/encode/row_encoder.h"

namespace tacho {

// A row as a JSON object, its fields in the schema's order.
//
// Doubles are printed as the shortest text that reads back the same, in the
// field's unit; what has no value is null. Texts are valid UTF-8 (decode saw to
// it) and go out as they are, but for what RFC 8259 wants escaped.
class JsonEncoder final : public RowEncoder {
 public:
  JsonEncoder(const RowSchema& schema, const EncoderOptions& options);

  void Encode(const Batch& rows, const RowSlice& range,
              const RowTarget& target) override;

 private:
  struct Field {
    FieldType type;
    const Unit* unit;    // nullptr: the canonical one.
    std::string prefix;  // `{"a":`, `,"b":`, ...
  };

  size_t RoomFor(const Batch& rows, size_t row) const;
  char* WriteObject(const Batch& rows, size_t row, char* out) const;
  static char* WriteInUnit(const Unit& unit, const Column& column, size_t row,
                           char* out);
  char* WriteTime(Timestamp value, char* out) const;

  TimeFormat time_format_;
  std::vector<Field> fields_;
  std::vector<size_t> texts_;  // Which fields are.
  size_t fixed_bytes_ = 0;     // Room for all but the texts.
};

RowEncoding JsonEncoding();

}  // namespace tacho
