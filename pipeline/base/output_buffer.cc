#include "pipeline/base/output_buffer.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "pipeline/base/check.h"

namespace tacho {

void OutputBuffer::Begin(SinkId sink, uint64_t cause, Timestamp log_time) {
  OutputRecord record;
  record.begin = bytes_.size();
  record.sink = sink;
  record.cause = cause;
  record.log_time = log_time;
  records_.push_back(record);
}

void OutputBuffer::EndKey(bool is_null) {
  OutputRecord& record = records_.back();
  record.key_size = static_cast<uint32_t>(bytes_.size() - record.begin);
  record.null_key = is_null;
}

void OutputBuffer::EndValue(bool is_null) {
  OutputRecord& record = records_.back();
  record.value_size =
      static_cast<uint32_t>(bytes_.size() - record.begin - record.key_size);
  record.null_value = is_null;
}

void OutputBuffer::AddHeader(std::string_view name, std::string_view value) {
  DCHECK(name.size() < 256);
  bytes_.push_back(static_cast<char>(name.size()));
  Append(name);
  const auto size = static_cast<uint32_t>(value.size());
  char raw[sizeof size];
  std::memcpy(raw, &size, sizeof size);
  Append({raw, sizeof raw});
  Append(value);
}

void OutputBuffer::AppendOriginal(std::string_view key, std::string_view value,
                                  size_t limit) {
  const std::string_view kept_key = key.substr(0, limit);
  Append(kept_key);
  EndKey(key.data() == nullptr);
  Append(value.substr(0, limit - kept_key.size()));
  EndValue(value.data() == nullptr);
}

void OutputBuffer::AddTruncation(size_t original_bytes) {
  const OutputRecord& record = records_.back();
  if (size_t{record.key_size} + record.value_size >= original_bytes) return;
  AddHeader("tacho.truncated", "true");
  char digits[24];
  const auto end =
      std::to_chars(digits, digits + sizeof digits, original_bytes).ptr;
  AddHeader("tacho.original_size", {digits, static_cast<size_t>(end - digits)});
}

void OutputBuffer::End() {
  OutputRecord& record = records_.back();
  record.headers_size = static_cast<uint32_t>(
      bytes_.size() - record.begin - record.key_size - record.value_size);
}

bool NextHeader(std::string_view& headers, std::string_view& name,
                std::string_view& value) {
  if (headers.empty()) return false;
  const auto name_size = static_cast<uint8_t>(headers[0]);
  name = headers.substr(1, name_size);
  headers.remove_prefix(1 + size_t{name_size});
  uint32_t size = 0;
  std::memcpy(&size, headers.data(), sizeof size);
  value = headers.substr(sizeof size, size);
  headers.remove_prefix(sizeof size + size);
  return true;
}

}  // namespace tacho
