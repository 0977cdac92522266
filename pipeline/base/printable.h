#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tacho {

// Text of others (keys, values, names, metadata, messages of libraries), made
// fit for a terminal and for one line of a log. What moves a cursor, ends a
// line or turns the direction of what follows is written as an escape:
// controls (C0, DEL, C1), line separators, bidirectional marks and overrides,
// the byte order mark (\n, \t, \u001b, \u202e ...), and bytes that are no UTF-8
// (\x9b). The rest, letters of every script, stays as it is.
std::string Printable(std::string_view text);

// Appends the same to `out`. `quoted`: also escapes " and \, for the inside of
// a quoted value or a JSON string.
void AppendPrintable(std::string_view text, bool quoted, std::string& out);

// Whether Printable writes a code point as an escape.
bool MovesTheReader(uint32_t code);

// Printable(text) == text.
bool IsPrintable(std::string_view text);

}  // namespace tacho
