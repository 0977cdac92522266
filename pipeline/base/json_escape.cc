#include "pipeline/base/json_escape.h"

#include <array>

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

}  // namespace tacho
