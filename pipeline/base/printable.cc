#include "pipeline/base/printable.h"

#include <cstddef>
#include <cstdint>

#include "pipeline/base/utf8.h"

namespace tacho {
namespace {

void AppendHex(uint32_t value, int digits, std::string& out) {
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) {
    out += "0123456789abcdef"[value >> shift & 15];
  }
}

void AppendEscape(const CodePoint& piece, bool quoted, std::string& out) {
  if (!piece.valid) {
    out += quoted ? "\\\\x" : "\\x";
    AppendHex(piece.code, 2, out);
  } else if (piece.code == '\n' || piece.code == '\t') {
    out += piece.code == '\n' ? "\\n" : "\\t";
  } else {
    out += "\\u";
    AppendHex(piece.code, 4, out);
  }
}

}  // namespace

bool MovesTheReader(uint32_t code) {
  return code < 0x20 || (code >= 0x7F && code <= 0x9F) ||  // C0, DEL, C1.
         code == 0x061C || code == 0x200E || code == 0x200F ||
         (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2066 && code <= 0x2069) || code == 0xFEFF;
}

void AppendPrintable(std::string_view text, bool quoted, std::string& out) {
  while (!text.empty()) {
    const CodePoint piece = FirstCodePoint(text);
    if (!piece.valid || MovesTheReader(piece.code)) {
      AppendEscape(piece, quoted, out);
    } else {
      if (quoted && (text[0] == '"' || text[0] == '\\')) out += '\\';
      out += text.substr(0, piece.size);
    }
    text.remove_prefix(piece.size);
  }
}

std::string Printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  AppendPrintable(text, false, out);
  return out;
}

bool IsPrintable(std::string_view text) {
  while (!text.empty()) {
    const CodePoint piece = FirstCodePoint(text);
    if (!piece.valid || MovesTheReader(piece.code)) return false;
    text.remove_prefix(piece.size);
  }
  return true;
}

}  // namespace tacho
