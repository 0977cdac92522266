#include "pipeline/base/json_escape.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "pipeline/base/utf8.h"

namespace tacho {
namespace {

// What follows the backslash: 0 for bytes that are written as they are, 'u'
// for those without a short form.
constexpr std::array<char, 256> MakeEscapes() {
  std::array<char, 256> escapes{};
  for (size_t c = 0; c < 0x20; ++c) escapes[c] = 'u';
  escapes['\b'] = 'b';
  escapes['\f'] = 'f';
  escapes['\n'] = 'n';
  escapes['\r'] = 'r';
  escapes['\t'] = 't';
  escapes['"'] = '"';
  escapes['\\'] = '\\';
  return escapes;
}
constexpr std::array<char, 256> kEscapes = MakeEscapes();

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The four hex digits at the start of `text`, or -1.
int Hex4(std::string_view text) {
  if (text.size() < 4) return -1;
  int value = 0;
  for (size_t i = 0; i < 4; ++i) {
    const int digit = HexDigit(text[i]);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

// The code unit of the \uXXXX at the start of `text`, or -1.
int UnicodeEscape(std::string_view text) {
  if (!text.starts_with("\\u")) return -1;
  return Hex4(text.substr(2));
}

bool IsHighSurrogate(int unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool IsLowSurrogate(int unit) { return unit >= 0xDC00 && unit < 0xE000; }

// Length of the escape at the start of `text` (a surrogate pair is one), or 0.
size_t EscapeSize(std::string_view text) {
  if (text.size() < 2) return 0;
  if (text[1] != 'u') {
    return std::string_view("\"\\/bfnrt").find(text[1]) ==
                   std::string_view::npos
               ? 0
               : 2;
  }
  const int unit = UnicodeEscape(text);
  if (unit < 0 || IsLowSurrogate(unit)) return 0;
  if (!IsHighSurrogate(unit)) return 6;
  return IsLowSurrogate(UnicodeEscape(text.substr(6))) ? 12 : 0;
}

char SimpleEscape(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

}  // namespace

char* EscapeJson(std::string_view value, char* out) {
  static constexpr char kHex[] = "0123456789abcdef";
  for (const char c : value) {
    const auto byte = static_cast<unsigned char>(c);
    const char escape = kEscapes[byte];
    if (escape == 0) {
      *out++ = c;
      continue;
    }
    *out++ = '\\';
    *out++ = escape;
    if (escape != 'u') continue;
    *out++ = '0';
    *out++ = '0';
    *out++ = kHex[byte >> 4];
    *out++ = kHex[byte & 15];
  }
  return out;
}

size_t EscapedJsonSize(std::string_view value) {
  size_t size = value.size();
  for (const char c : value) {
    const char escape = kEscapes[static_cast<unsigned char>(c)];
    if (escape != 0) size += escape == 'u' ? kMaxEscape - 1 : 1;
  }
  return size;
}

bool JsonEscapesAreValid(std::string_view raw) {
  for (size_t at = raw.find('\\'); at != std::string_view::npos;
       at = raw.find('\\', at)) {
    const size_t size = EscapeSize(raw.substr(at));
    if (size == 0) return false;
    at += size;
  }
  return true;
}

size_t UnescapeJson(std::string_view raw, char* out) {
  char* const begin = out;
  while (!raw.empty()) {
    const size_t plain = std::min(raw.find('\\'), raw.size());
    out = std::copy_n(raw.data(), plain, out);
    raw.remove_prefix(plain);
    if (raw.empty()) break;
    const size_t size = EscapeSize(raw);
    if (size == 2) {
      *out++ = SimpleEscape(raw[1]);
    } else {
      int code = UnicodeEscape(raw);
      if (size == 12) {
        code = 0x10000 + ((code - 0xD800) << 10) +
               (UnicodeEscape(raw.substr(6)) - 0xDC00);
      }
      out = WriteUtf8(static_cast<uint32_t>(code), out);
    }
    raw.remove_prefix(size);
  }
  return static_cast<size_t>(out - begin);
}

}  // namespace tacho
