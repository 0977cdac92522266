#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "pipeline/base/headers.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/recycled_vector.h"
#include "pipeline/base/time.h"

namespace tacho {

// One Kafka message to be produced, as a range of its buffer's bytes:
// key, value, then the encoded headers.
struct OutputRecord {
  size_t begin = 0;
  uint32_t key_size = 0;
  uint32_t value_size = 0;
  uint32_t headers_size = 0;
  SinkId sink = 0;
  bool null_key = false;
  bool null_value = false;
  // Ordinal, within the lane's epoch, of the record that caused this one.
  // Outputs of different streams to one topic are merged by it.
  uint64_t cause = 0;
  Timestamp log_time = kNoLogTime;  // Kafka timestamp of the causing message.
};

// Outputs, rejects and late records of a lane's epoch: bytes copied out of the
// batch, so that the batch can go back to its pool.
//
// Headers are encoded as in headers.h.
//
// Limits: unbounded by itself; the lane freezes early at `commit.bytes`.
// Threading: one thread at a time. Clear keeps the capacity that a steady load
// needs (recycled_vector.h).
class OutputBuffer {
 public:
  // Appends in three steps: Begin, then the key bytes, then EndKey, then the
  // value bytes through `bytes()`, then EndValue, then headers, then End.
  void Begin(SinkId sink, uint64_t cause, Timestamp log_time);
  void EndKey(bool is_null = false);
  void EndValue(bool is_null = false);
  void AddHeader(std::string_view name, std::string_view value) {
    AppendHeader(bytes_, name, value);
  }
  void AddHeaders(std::string_view encoded) { Append(encoded); }
  void End();

  // The growing end; append only between Begin and End.
  std::vector<char>& bytes() { return bytes_; }
  void Append(std::string_view text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
  }

  const std::vector<OutputRecord>& records() const { return records_; }
  std::vector<OutputRecord>& records() { return records_; }  // To reorder.
  std::string_view Key(const OutputRecord& r) const {
    return {bytes_.data() + r.begin, r.key_size};
  }
  std::string_view Value(const OutputRecord& r) const {
    return {bytes_.data() + r.begin + r.key_size, r.value_size};
  }
  std::string_view Headers(const OutputRecord& r) const {
    return {bytes_.data() + r.begin + r.key_size + r.value_size,
            r.headers_size};
  }

  bool empty() const { return records_.empty(); }
  size_t used_bytes() const {
    return bytes_.size() + records_.size() * sizeof(OutputRecord);
  }
  void Clear() {
    bytes_room_.Clear(bytes_);
    records_room_.Clear(records_);
  }

 private:
  std::vector<char> bytes_;
  std::vector<OutputRecord> records_;
  RecycledRoom bytes_room_;
  RecycledRoom records_room_;
};

}  // namespace tacho
