#include "pipeline/job/file/yaml_source.h"

#include <algorithm>
#include <cstdint>

#include "pipeline/base/utf8.h"

namespace tacho {
namespace {

bool IsSpace(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

size_t SkipSpace(std::string_view text, size_t at) {
  while (at < text.size() && IsSpace(text[at])) ++at;
  return at;
}

// A backslash at the end of a line in a double-quoted scalar: nothing at all.
bool IsContinuedLine(std::string_view text, size_t at) {
  const std::string_view start = text.substr(std::min(at, text.size()), 2);
  return start == "\\\n" || start == "\\\r";
}

// Hex digits after \x, \u and \U; 0 for the other escapes.
size_t EscapeDigits(char c) {
  switch (c) {
    case 'x':
      return 2;
    case 'u':
      return 4;
    case 'U':
      return 8;
    default:
      return 0;
  }
}

// Bytes of UTF-8 that an escape sequence of a double-quoted scalar stands for.
size_t DecodedLength(std::string_view escape) {
  const char kind = escape[1];
  if (kind == 'L' || kind == 'P') return 3;
  if (kind == 'N' || kind == '_') return 2;
  uint32_t code = 0;
  for (char c : escape.substr(2)) {
    const uint32_t digit = c <= '9'   ? static_cast<uint32_t>(c - '0')
                           : c <= 'F' ? static_cast<uint32_t>(c - 'A' + 10)
                                      : static_cast<uint32_t>(c - 'a' + 10);
    code = code * 16 + digit;
  }
  return code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
}

// First byte of a scalar's content: after an opening quote, or after the
// header line and first indentation of a block.
size_t ContentBegin(std::string_view text, size_t begin) {
  if (begin >= text.size()) return text.size();
  const char first = text[begin];
  if (first == '"' || first == '\'') return begin + 1;
  if (first != '|' && first != '>') return begin;
  const size_t end = text.find('\n', begin);
  return end == std::string_view::npos ? text.size() : SkipSpace(text, end);
}

// Editors neither show nor count a byte order mark.
std::string_view WithoutMark(std::string_view text) {
  constexpr std::string_view kMark = "\xef\xbb\xbf";
  while (text.starts_with(kMark)) text.remove_prefix(kMark.size());
  return text;
}

}  // namespace

YamlSource::YamlSource(std::string_view text) : text_(WithoutMark(text)) {
  text = text_;
  line_begins_.push_back(0);
  size_t characters = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (i % kBlock == 0) characters_.push_back(characters);
    if (text[i] == '\n') line_begins_.push_back(i + 1);
    if (!IsUtf8Continuation(text[i])) ++characters;
  }
  characters_.push_back(characters);
}

size_t YamlSource::CharactersBefore(size_t byte) const {
  const size_t block = std::min(byte / kBlock, characters_.size() - 1);
  if (byte == text_.size()) return characters_.back();
  size_t characters = characters_[block];
  for (size_t i = block * kBlock; i < byte; ++i) {
    if (!IsUtf8Continuation(text_[i])) ++characters;
  }
  return characters;
}

size_t YamlSource::ByteAt(int line, int column) const {
  if (line < 1) return 0;
  const auto index = static_cast<size_t>(line - 1);
  if (index >= line_begins_.size()) return text_.size();
  const size_t begin = line_begins_[index];
  if (column <= 1) return begin;
  // The character that has `wanted` before it.
  const size_t wanted =
      CharactersBefore(begin) + static_cast<size_t>(column - 1);
  if (wanted >= characters_.back()) return text_.size();
  const auto after =
      std::upper_bound(characters_.begin(), characters_.end(), wanted);
  size_t at = static_cast<size_t>(after - characters_.begin() - 1) * kBlock;
  for (size_t seen = characters_[at / kBlock]; at < text_.size(); ++at) {
    if (IsUtf8Continuation(text_[at])) continue;
    if (seen++ == wanted) break;
  }
  return at;
}

Origin YamlSource::OriginAt(size_t byte) const {
  byte = std::min(byte, text_.size());
  const auto after =
      std::upper_bound(line_begins_.begin(), line_begins_.end(), byte);
  Origin origin;
  origin.line = static_cast<int>(after - line_begins_.begin());
  origin.column = 1 + static_cast<int>(CharactersBefore(byte) -
                                       CharactersBefore(*(after - 1)));
  return origin;
}

std::string_view YamlSource::Line(int line) const {
  if (line < 1 || static_cast<size_t>(line) > line_begins_.size()) return {};
  std::string_view rest =
      text_.substr(line_begins_[static_cast<size_t>(line - 1)]);
  rest = rest.substr(0, rest.find('\n'));
  if (rest.ends_with('\r')) rest.remove_suffix(1);
  return rest;
}

// Walks the written and the decoded text side by side. Any run of white space
// matches any other: that is all that folding and indentation change.
size_t YamlSource::Locate(size_t begin, std::string_view decoded,
                          size_t offset) const {
  const bool escapes = begin < text_.size() && text_[begin] == '"';
  const bool doubles = begin < text_.size() && text_[begin] == '\'';
  size_t at = ContentBegin(text_, begin);
  size_t i = 0;
  offset = std::min(offset, decoded.size());
  while (i < offset && at < text_.size()) {
    if (escapes && IsContinuedLine(text_, at)) {
      at = SkipSpace(text_, at + 1);
    } else if (escapes && text_[at] == '\\' && at + 1 < text_.size()) {
      const size_t length = 2 + EscapeDigits(text_[at + 1]);
      if (at + length > text_.size()) break;
      i += DecodedLength(text_.substr(at, length));
      at += length;
    } else if (IsSpace(text_[at]) && IsSpace(decoded[i])) {
      const size_t run = SkipSpace(decoded, i);
      if (run > offset) return std::min(at + (offset - i), text_.size());
      i = run;
      at = SkipSpace(text_, at);
    } else {
      at += doubles && text_.substr(at, 2) == "''" ? 2 : 1;
      ++i;
    }
  }
  if (escapes && IsContinuedLine(text_, at)) at = SkipSpace(text_, at + 1);
  return std::min(at, text_.size());
}

size_t YamlSource::ClosingQuote(size_t begin) const {
  if (begin >= text_.size()) return begin;
  const char quote = text_[begin];
  if (quote != '"' && quote != '\'') return begin;
  for (size_t i = begin + 1; i < text_.size(); ++i) {
    if (quote == '"' && text_[i] == '\\') {
      ++i;
    } else if (text_[i] == quote) {
      if (quote == '"' || text_.substr(i, 2) != "''") return i;
      ++i;
    }
  }
  return std::string_view::npos;
}

}  // namespace tacho
