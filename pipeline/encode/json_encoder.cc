#include "pipeline/encode/json_encoder.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <utility>

#include "pipeline/base/check.h"
#include "pipeline/base/iso8601.h"
#include "pipeline/base/json_escape.h"
#include "pipeline/base/units.h"

namespace tacho {

namespace {

// Longest text of an int64, a shortest double, a time with quotes, or null.
constexpr size_t kMaxNumberBytes = 48;
// `"":` and the comma, or a brace.
constexpr size_t kPrefixBytes = 4;
constexpr size_t kQuoteBytes = 2;

char* Copy(std::string_view text, char* out) {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

std::string Escaped(std::string_view text) {
  std::vector<char> out(text.size() * kMaxEscape);
  const char* const end = EscapeJson(text, out.data());
  return {out.data(), static_cast<size_t>(end - out.data())};
}

size_t MaxValueBytes(const OutputField& field, const TextLimits& limits) {
  if (field.type != FieldType::kText) return kMaxNumberBytes;
  if (field.text.is_signal()) return kQuoteBytes + limits.string_bytes;
  return kQuoteBytes + field.text.fixed_bytes +
         field.text.vehicle_ids * limits.vehicle_id_bytes;
}

size_t MaxBytes(const RowSchema& schema, const TextLimits& limits) {
  size_t bytes = 0;
  for (const OutputField& field : schema) {
    bytes += kPrefixBytes + EscapedJsonSize(field.name) +
             MaxValueBytes(field, limits);
  }
  return bytes;
}

std::unique_ptr<RowEncoder> Make(const RowSchema& schema,
                                 const EncoderOptions& options) {
  return std::make_unique<JsonEncoder>(schema, options);
}

}  // namespace

JsonEncoder::JsonEncoder(const RowSchema& schema, const EncoderOptions& options)
    : time_format_(options.time_format) {
  for (const OutputField& field : schema) {
    const char* const before = fields_.empty() ? "{\"" : ",\"";
    if (field.type == FieldType::kText) texts_.push_back(fields_.size());
    fields_.push_back(
        {field.type, field.unit, before + Escaped(field.name) + "\":"});
    fixed_bytes_ += fields_.back().prefix.size() + kMaxNumberBytes;
  }
  ++fixed_bytes_;  // The last brace.
}

size_t JsonEncoder::RoomFor(const Batch& rows, size_t row) const {
  size_t bytes = fixed_bytes_;
  for (const size_t field : texts_) {
    const Column& column = rows.columns[field];
    if (column.state[row] != CellState::kValid) continue;
    bytes += kQuoteBytes + column.strings[row].size() * kMaxEscape;
  }
  return bytes;
}

void JsonEncoder::Encode(const Batch& rows, const RowSlice& range,
                         const RowTarget& target) {
  DCHECK(rows.columns.size() == fields_.size());
  std::vector<char>& bytes = target.out->bytes();
  for (size_t row = range.begin; row < range.end; ++row) {
    if (range.selected != nullptr && range.selected[row] == 0) continue;
    BeginRow(rows, row, target);
    const size_t at = bytes.size();
    bytes.resize(at + RoomFor(rows, row));
    const char* const past = WriteObject(rows, row, bytes.data() + at);
    bytes.resize(static_cast<size_t>(past - bytes.data()));
    EndRow(target);
  }
}

char* JsonEncoder::WriteObject(const Batch& rows, size_t row, char* out) const {
  for (size_t i = 0; i < fields_.size(); ++i) {
    out = Copy(fields_[i].prefix, out);
    const Column& column = rows.columns[i];
    if (column.state[row] != CellState::kValid) {
      out = Copy("null", out);
      continue;
    }
    if (fields_[i].unit != nullptr) {
      out = WriteInUnit(*fields_[i].unit, column, row, out);
      continue;
    }
    switch (fields_[i].type) {
      case FieldType::kText:
        *out++ = '"';
        out = EscapeJson(column.strings[row], out);
        *out++ = '"';
        break;
      case FieldType::kInt64:
        out = std::to_chars(out, out + kMaxNumberBytes, column.ints[row]).ptr;
        break;
      case FieldType::kDouble:
        out =
            std::to_chars(out, out + kMaxNumberBytes, column.doubles[row]).ptr;
        break;
      case FieldType::kBool:
        out = Copy(column.bools[row] != 0 ? "true" : "false", out);
        break;
      case FieldType::kTime:
        out = WriteTime(FromEpochMillis(column.ints[row]), out);
        break;
    }
  }
  *out++ = '}';
  return out;
}

char* JsonEncoder::WriteInUnit(const Unit& unit, const Column& column,
                               size_t row, char* out) {
  const double value = unit.FromCanonical(
      column.type == SignalType::kInt64 ? static_cast<double>(column.ints[row])
                                        : column.doubles[row]);
  // The greatest double may have no room in a smaller unit.
  if (!std::isfinite(value)) return Copy("null", out);
  return std::to_chars(out, out + kMaxNumberBytes, value).ptr;
}

char* JsonEncoder::WriteTime(Timestamp value, char* out) const {
  if (time_format_ == TimeFormat::kEpochMillis || value < kFirstIso8601 ||
      value >= kPastIso8601) {
    return std::to_chars(out, out + kMaxNumberBytes, ToEpochMillis(value)).ptr;
  }
  *out++ = '"';
  out = WriteIso8601(value, out);
  *out++ = '"';
  return out;
}

RowEncoding JsonEncoding() {
  return {"json", "A JSON object a row, its fields in order.", Make, MaxBytes};
}

}  // namespace tacho
