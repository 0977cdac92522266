#include "state/names.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace tacho {
namespace {

constexpr char kHex[] = "0123456789ABCDEF";

bool IsPlain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
         (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
}

int HexDigit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void Escape(char c, std::string& out) {
  const auto byte = static_cast<uint8_t>(c);
  out += '%';
  out += kHex[byte >> 4];
  out += kHex[byte & 0xf];
}

void AppendHex(uint64_t value, std::string& out) {
  for (int shift = 60; shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[(value >> shift) & 0xf];
  }
}

}  // namespace

std::string PercentEncode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (IsPlain(c) && (c != '.' || !out.empty())) {
      out += c;
    } else {
      Escape(c, out);
    }
  }
  return out;
}

std::optional<std::string> PercentDecode(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    if (i + 2 >= text.size()) return std::nullopt;
    const int high = HexDigit(text[i + 1]);
    const int low = HexDigit(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  if (PercentEncode(out) != text) return std::nullopt;
  return out;
}

std::string FileNameOf(std::string_view text) {
  std::string name = PercentEncode(text);
  if (name.size() <= kMaxFileName) return name;
  const std::string end = "%%" + Hash128(text);
  name.resize(kMaxFileName - end.size());
  return name + end;
}

std::string Hash128(std::string_view text) {
  const XXH128_hash_t hash = XXH3_128bits(text.data(), text.size());
  std::string out;
  AppendHex(hash.high64, out);
  AppendHex(hash.low64, out);
  return out;
}

uint64_t Hash64(std::string_view text) {
  return XXH3_64bits(text.data(), text.size());
}

}  // namespace tacho
