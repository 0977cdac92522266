#pragma once

#include <cstddef>
#include <string_view>

namespace tacho {

// Kafka's rules for the name of a topic: 1 to 249 of A-Z a-z 0-9 . _ -, and
// neither "." nor "..".
inline constexpr size_t kMaxTopicBytes = 249;
bool IsTopicName(std::string_view text);

// The same as a pattern of JSON Schema, which lets "." and ".." pass.
inline constexpr std::string_view kTopicPattern = "^[A-Za-z0-9._-]{1,249}$";

}  // namespace tacho
