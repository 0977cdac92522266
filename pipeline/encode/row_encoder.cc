#include "pipeline/encode/row_encoder.h"

#include "pipeline/encode/json_encoder.h"

namespace tacho {

void RowEncoder::BeginRow(const Batch& rows, size_t row,
                          const RowTarget& target) {
  uint64_t ordinal = target.first_cause;
  Timestamp log_time = kNoLogTime;
  const int32_t cause = rows.CauseOf(row);
  if (cause != kNoCause) {
    const auto at = static_cast<size_t>(cause);
    const Batch& records = *target.records;
    ordinal += at;
    log_time = records.messages[records.message_index[at]].log_time;
  }
  target.out->Begin(target.sink, ordinal, log_time);
  target.out->Append(rows.vehicle_id[row]);
  target.out->EndKey();
}

const std::vector<RowEncoding>& RowEncodings() {
  // Never destroyed: jobs refer to it until the process ends.
  static const auto* const encodings =
      new std::vector<RowEncoding>{JsonEncoding()};
  return *encodings;
}

const RowEncoding* FindRowEncoding(std::string_view name) {
  for (const RowEncoding& encoding : RowEncodings()) {
    if (encoding.name == name) return &encoding;
  }
  return nullptr;
}

std::vector<std::string_view> RowEncodingNames() {
  std::vector<std::string_view> names;
  for (const RowEncoding& encoding : RowEncodings()) {
    names.push_back(encoding.name);
  }
  return names;
}

}  // namespace tacho
