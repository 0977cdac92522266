#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace tacho {

// The numbers and literals of RFC 8259: what they look like, and how a number
// becomes a double or an int64.
//
// Limits: functions marked PADDED may read 32 bytes from `p` on, past `end`
// too; what they answer about a token that ends before `end` does not depend
// on those bytes. The others stay inside what they are given.

inline bool IsJsonSpace(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

// True for what may follow a scalar: white space or a structural character.
inline bool EndsScalar(char c) {
  switch (c) {
    case ' ':
    case '\t':
    case '\n':
    case '\r':
    case ',':
    case ':':
    case '{':
    case '}':
    case '[':
    case ']':
      return true;
    default:
      return false;
  }
}

// Length of the JSON number at the start of `text`, or 0. Does not look at
// what follows it.
size_t NumberPrefix(std::string_view text);

// The whole of `text` is one JSON number.
inline bool IsJsonNumber(std::string_view text) {
  return !text.empty() && NumberPrefix(text) == text.size();
}

// The parts of a number without exponent.
struct NumberParts {
  size_t whole = 0;     // Digits before the dot.
  size_t dot = 0;       // 1 if there is one.
  size_t fraction = 0;  // Digits after it.

  size_t size() const { return whole + dot + fraction; }
};

// What the 16 bytes at `p` start with; correct if its size is below 16. PADDED.
inline NumberParts PartsByByte(const char* p) {
  const auto is_digit = [p](size_t at) {
    return at < 16 && p[at] >= '0' && p[at] <= '9';
  };
  NumberParts parts;
  while (is_digit(parts.whole)) ++parts.whole;
  parts.dot = parts.whole < 16 && p[parts.whole] == '.' ? 1 : 0;
  while (is_digit(parts.size())) ++parts.fraction;
  return parts;
}

// The same, at once where the machine can.
inline NumberParts PartsAt(const char* p) {
#if defined(__SSE2__)
  // One compare finds the digits: c + (128 - '0') is below -128 + 10, as a
  // signed byte, exactly for '0' to '9'.
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  const __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8(128 - '0'));
  const auto digits = static_cast<unsigned>(
      _mm_movemask_epi8(_mm_cmplt_epi8(moved, _mm_set1_epi8(-128 + 10))));
  const auto whole = static_cast<unsigned>(__builtin_ctz(~digits));
  const unsigned dot = p[whole & 15] == '.' ? 1 : 0;
  const auto fraction =
      static_cast<unsigned>(__builtin_ctz(~((digits >> whole) >> dot)));
  return {whole, dot, fraction};
#else
  return PartsByByte(p);
#endif
}

// Length of the JSON number that is the whole scalar at `p`, or 0; its parts,
// if it has no exponent and fewer than 16 bytes behind its sign. PADDED.
inline size_t NumberToken(const char* p, const char* end, NumberParts& parts) {
  const size_t sign = *p == '-' ? 1 : 0;
  const char* const q = p + sign;
  parts = PartsAt(q);
  const size_t size = parts.size();
  if (size < 16 && q[size] != 'e' && q[size] != 'E') [[likely]] {
    const bool bad = parts.whole == 0 || (parts.whole > 1 && *q == '0') ||
                     parts.fraction < parts.dot || !EndsScalar(q[size]);
    return bad ? 0 : sign + size;
  }
  parts = {};
  const size_t slow = NumberPrefix({p, static_cast<size_t>(end - p)});
  return p + slow == end || EndsScalar(p[slow]) ? slow : 0;
}

// Length of the literal that is the whole scalar at `p`, or 0. PADDED.
inline size_t LiteralToken(const char* p, std::string_view literal) {
  return std::memcmp(p, literal.data(), literal.size()) == 0 &&
                 EndsScalar(p[literal.size()])
             ? literal.size()
             : 0;
}

// The value of `count` digits, 1 to 8, that are the bytes of `text` in the
// order of memory; what is behind them is ignored.
inline uint64_t UpToEightDigits(uint64_t text, size_t count) {
  // The digits move to the top, zeros follow them in: then pairs, fours and
  // eights are joined by three multiplications.
  if constexpr (std::endian::native != std::endian::little) {
    text = __builtin_bswap64(text);
  }
  uint64_t v = (text & 0x0F0F0F0F0F0F0F0F) << (64 - 8 * count);
  v = v * 10 + (v >> 8);
  constexpr uint64_t kMask = 0x000000FF000000FF;
  constexpr uint64_t kHigh = 0x000F424000000064;  // 100 + (1000000 << 32)
  constexpr uint64_t kLow = 0x0000271000000001;   // 1 + (10000 << 32)
  return ((v & kMask) * kHigh + ((v >> 16) & kMask) * kLow) >> 32;
}
inline uint64_t EightBytes(const char* p) {
  uint64_t bytes = 0;
  std::memcpy(&bytes, p, sizeof bytes);
  return bytes;
}

// The value of `count` digits, 1 to 16. PADDED.
inline uint64_t DigitsValue(const char* p, size_t count) {
  if (count <= 8) return UpToEightDigits(EightBytes(p), count);
  return UpToEightDigits(EightBytes(p), count - 8) * 100000000 +
         UpToEightDigits(EightBytes(p + count - 8), 8);
}

// The double nearest to a number of at most 15 digits that starts at `p`,
// behind its sign. Its digits and the power of ten are exact doubles, so the
// one division rounds correctly. PADDED.
inline double PlainDouble(const char* p, size_t whole, size_t fraction) {
  static constexpr uint64_t kPowers[] = {1,
                                         10,
                                         100,
                                         1000,
                                         10000,
                                         100000,
                                         1000000,
                                         10000000,
                                         100000000,
                                         1000000000,
                                         10000000000,
                                         100000000000,
                                         1000000000000,
                                         10000000000000,
                                         100000000000000,
                                         1000000000000000};
  static constexpr double kDoublePowers[] = {1e0,  1e1,  1e2,  1e3, 1e4,  1e5,
                                             1e6,  1e7,  1e8,  1e9, 1e10, 1e11,
                                             1e12, 1e13, 1e14, 1e15};
  uint64_t digits = 0;
  if (std::endian::native == std::endian::little && whole + fraction <= 8)
      [[likely]] {
    // The bytes behind the dot move up to those before it.
    const uint64_t before = (uint64_t{1} << (8 * whole - 1) << 1) - 1;
    digits = UpToEightDigits(
        (EightBytes(p) & before) | (EightBytes(p + 1) & ~before),
        whole + fraction);
  } else {
    digits = DigitsValue(p, whole);
    if (fraction != 0) {
      digits =
          digits * kPowers[fraction] + DigitsValue(p + whole + 1, fraction);
    }
  }
  return static_cast<double>(digits) / kDoublePowers[fraction];
}

// The double nearest to a JSON number; nullopt if its magnitude is too large.
// A magnitude too small gives a zero of the same sign. PADDED.
std::optional<double> ToDouble(std::string_view number);

enum class IntResult : uint8_t { kOk, kNotAnInteger, kOutOfRange };

// A JSON number written without fraction and exponent, as an int64. PADDED.
IntResult ToInt64(std::string_view number, int64_t& out);

}  // namespace tacho
