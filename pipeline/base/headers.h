#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tacho {

// How many headers of a message, and how many bytes of them (names and
// values), go into a reject or a late record.
struct HeaderLimits {
  size_t count = 64;
  size_t bytes = 16384;
};

// Headers of one Kafka message as bytes: repeated {u16 name size, name,
// u32 value size, value}. A value may be null: its data() is nullptr.

// REQUIRES: name.size() <= UINT16_MAX, value.size() < UINT32_MAX.
void AppendHeader(std::vector<char>& out, std::string_view name,
                  std::string_view value);

// Splits the first header off `headers`. False at the end.
bool NextHeader(std::string_view& headers, std::string_view& name,
                std::string_view& value);

// How much longer a name may become.
inline constexpr size_t kRenamedHeaderBytes = 7;  // "sender."

// Appends a message's own headers to what tacho says about it. Names that
// start like tacho's, in either case, come out as "sender.tacho...": nobody
// else can say what only tacho knows.
void AppendSenderHeaders(std::vector<char>& out, std::string_view headers);

}  // namespace tacho
