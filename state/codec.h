#pragma once

#include <chrono>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

#include "pipeline/base/time.h"

namespace tacho {

// Values: little-endian fixed width, varints for sizes. A reader never reads
// past its end; after a short read `ok()` is false and stays false.

class ByteWriter {
 public:
  explicit ByteWriter(std::vector<char>& out) : out_(out) {}

  void U8(uint8_t v) { out_.push_back(static_cast<char>(v)); }
  void U32(uint32_t v) { Raw(&v, sizeof v); }
  void U64(uint64_t v) { Raw(&v, sizeof v); }
  void I64(int64_t v) { Raw(&v, sizeof v); }
  void F64(double v) { Raw(&v, sizeof v); }
  void Time(Timestamp t) { I64(ToEpochMillis(t)); }
  void Varint(uint64_t v) {
    while (v >= 0x80) {
      U8(static_cast<uint8_t>(v | 0x80));
      v >>= 7;
    }
    U8(static_cast<uint8_t>(v));
  }
  void Bytes(std::string_view v) {  // Size, then bytes.
    Varint(v.size());
    out_.insert(out_.end(), v.begin(), v.end());
  }

 private:
  void Raw(const void* p, size_t n) {
    const char* const c = static_cast<const char*>(p);
    out_.insert(out_.end(), c, c + n);
  }
  std::vector<char>& out_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view in) : in_(in) {}

  bool ok() const { return ok_; }
  bool done() const { return ok_ && in_.empty(); }
  size_t left() const { return in_.size(); }

  uint8_t U8() { return Raw<uint8_t>(); }
  uint32_t U32() { return Raw<uint32_t>(); }
  uint64_t U64() { return Raw<uint64_t>(); }
  int64_t I64() { return Raw<int64_t>(); }
  double F64() { return Raw<double>(); }
  Timestamp Time() { return FromEpochMillis(I64()); }
  // One of the two bytes that a bool is written as.
  bool Bool() {
    const uint8_t b = U8();
    if (b > 1) ok_ = false;
    return b == 1;
  }
  uint64_t Varint() {
    uint64_t v = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t b = U8();
      if (shift == 63 && b > 1) break;  // Would not fit 64 bits.
      v |= static_cast<uint64_t>(b & 0x7f) << shift;
      if ((b & 0x80) == 0) return v;
    }
    ok_ = false;
    return 0;
  }
  std::string_view Bytes() {
    const uint64_t n = Varint();
    if (n > in_.size()) {
      ok_ = false;
      return {};
    }
    const std::string_view v = in_.substr(0, n);
    in_.remove_prefix(n);
    return v;
  }

 private:
  template <typename T>
  T Raw() {
    T v{};
    if (!ok_ || in_.size() < sizeof v) {
      ok_ = false;
      return v;
    }
    std::memcpy(&v, in_.data(), sizeof v);
    in_.remove_prefix(sizeof v);
    return v;
  }
  std::string_view in_;
  bool ok_ = true;
};

// What stored bytes must be before anything is made of them: they may come
// from a damaged disk, or from somebody who may write to a changelog.

// A time that arithmetic of ours cannot carry over the ends of int64: kNoTime,
// an event time, or the end of a window (at most a year long) that holds one.
inline constexpr bool IsStateTime(Timestamp t) {
  return t >= kNoTime && t <= kEndOfTime + std::chrono::hours(2 * 24 * 366);
}
inline constexpr bool IsRealStateTime(Timestamp t) {
  return t != kNoTime && IsStateTime(t);
}

// Keys: bytewise order equals (vehicle bytes, subkey) order. The vehicle id is
// escaped (00 -> 00 FF) and ended by 00 00 (so a prefix sorts first and an
// embedded NUL is kept apart); the subkey follows as 8 bytes, big-endian, sign
// bit flipped.
void AppendStateKey(std::vector<char>& out, std::string_view vehicle,
                    int64_t subkey);
// What all keys of a vehicle, and no others, start with.
void AppendVehiclePrefix(std::vector<char>& out, std::string_view vehicle);
// Undoes AppendStateKey; `vehicle` is unescaped into `scratch` only if needed.
// False if `key` was not made by AppendStateKey.
bool ParseStateKey(std::string_view key, std::string_view& vehicle,
                   int64_t& subkey, std::vector<char>& scratch);

}  // namespace tacho
