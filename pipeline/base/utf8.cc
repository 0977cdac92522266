#include "pipeline/base/utf8.h"

#include <cstring>

namespace tacho {
namespace {

// What a first byte says of the sequence that it begins.
struct Lead {
  size_t size = 0;    // 0: it begins none.
  uint8_t least = 0;  // Of the second byte.
  uint8_t most = 0;
};

constexpr Lead LeadOf(uint8_t byte) {
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};  // A continuation, or overlong.
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};
  if (byte == 0xED) return {3, 0x80, 0x9F};  // No surrogates.
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};  // U+10FFFF is the last.
  return {0, 0, 0};
}

bool IsAscii(const char* eight_bytes) {
  uint64_t word = 0;
  std::memcpy(&word, eight_bytes, sizeof word);
  return (word & 0x8080808080808080) == 0;
}

}  // namespace

CodePoint FirstCodePoint(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const CodePoint bad = {byte(0), 1, false};
  const Lead lead = LeadOf(byte(0));
  if (lead.size == 0 || lead.size > text.size()) return bad;
  if (lead.size == 1) return {byte(0), 1, true};
  if (byte(1) < lead.least || byte(1) > lead.most) return bad;
  uint32_t code = byte(0) & (0xFFU >> (lead.size + 1));
  for (size_t i = 1; i < lead.size; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return bad;
    code = code << 6 | (byte(i) & 0x3FU);
  }
  return {code, lead.size, true};
}

size_t FindInvalidUtf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    // Most texts are ASCII, and short.
    if (text.size() - at >= 8 && IsAscii(text.data() + at)) {
      at += 8;
      continue;
    }
    const CodePoint first = FirstCodePoint(text.substr(at));
    if (!first.valid) return at;
    at += first.size;
  }
  return std::string_view::npos;
}

bool HasControl(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if (byte < 0x20 || byte == 0x7F) return true;
    // C1 has two bytes, C2 80 to C2 9F.
    if (byte == 0xC2 && static_cast<uint8_t>(text[++i]) < 0xA0) return true;
  }
  return false;
}

char* WriteUtf8(uint32_t code, char* out) {
  const auto byte = [](uint32_t bits) { return static_cast<char>(bits); };
  if (code < 0x80) {
    *out++ = byte(code);
    return out;
  }
  if (code < 0x800) {
    *out++ = byte(0xC0 | (code >> 6));
  } else {
    if (code < 0x10000) {
      *out++ = byte(0xE0 | (code >> 12));
    } else {
      *out++ = byte(0xF0 | (code >> 18));
      *out++ = byte(0x80 | ((code >> 12) & 0x3F));
    }
    *out++ = byte(0x80 | ((code >> 6) & 0x3F));
  }
  *out++ = byte(0x80 | (code & 0x3F));
  return out;
}

void AppendUtf8(uint32_t code, std::string& out) {
  char bytes[4];
  out.append(bytes, WriteUtf8(code, bytes));
}

}  // namespace tacho
