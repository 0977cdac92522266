#pragma once

#include <cstdint>
#include <string>

#include "state/codec.h"

namespace tacho {

// A table value that owns memory, so that a leak or a stale value shows.
struct TextValue {
  std::string text;
  int64_t count = 0;

  void Reset() {
    text.clear();
    count = 0;
  }
  void Encode(ByteWriter& out) const {
    out.Bytes(text);
    out.I64(count);
  }
  bool Decode(ByteReader& in) {
    text = in.Bytes();
    count = in.I64();
    return in.ok();
  }
  static const char* Check(int64_t /*subkey*/, const TextValue& value) {
    return value.count == INT64_MIN ? "a count out of range" : nullptr;
  }
  bool operator==(const TextValue&) const = default;
};

}  // namespace tacho
