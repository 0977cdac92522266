#include "pipeline/base/output_buffer.h"

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

void OutputBuffer::End() {
  OutputRecord& record = records_.back();
  record.headers_size = static_cast<uint32_t>(
      bytes_.size() - record.begin - record.key_size - record.value_size);
}

}  // namespace tacho
