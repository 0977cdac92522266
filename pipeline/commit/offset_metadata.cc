#include "pipeline/commit/offset_metadata.h"

#include <charconv>

namespace tacho {
namespace {

constexpr std::string_view kVersion = "tacho1";

// Takes the text up to the next ';' off the front.
std::string_view NextField(std::string_view& text) {
  const size_t end = text.find(';');
  const std::string_view field = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return field;
}

bool ParseNumber(std::string_view field, std::string_view name, int64_t& out) {
  if (!field.starts_with(name)) return false;
  field.remove_prefix(name.size());
  const char* const end = field.data() + field.size();
  const auto result = std::from_chars(field.data(), end, out);
  return result.ec == std::errc() && result.ptr == end && out >= 0;
}

}  // namespace

std::string FormatOffsetMetadata(const OffsetMetadata& metadata) {
  std::string text(kVersion);
  text += ";g=" + std::to_string(metadata.generation);
  switch (metadata.origin) {
    case OffsetMetadata::Origin::kEpoch:
      return text + ";e=" + std::to_string(metadata.epoch) +
             ";w=" + metadata.writer_id;
    case OffsetMetadata::Origin::kResetKeep:
      return text + ";reset=keep";
    case OffsetMetadata::Origin::kResetWipe:
      return text + ";reset=wipe";
    case OffsetMetadata::Origin::kStart:
      break;
  }
  return text + ";start";
}

std::optional<OffsetMetadata> ParseOffsetMetadata(std::string_view text) {
  OffsetMetadata metadata;
  if (NextField(text) != kVersion) return std::nullopt;
  if (!ParseNumber(NextField(text), "g=", metadata.generation)) {
    return std::nullopt;
  }
  const std::string_view kind = NextField(text);
  if (kind == "reset=keep" || kind == "reset=wipe" || kind == "start") {
    if (!text.empty()) return std::nullopt;
    metadata.origin = kind == "start" ? OffsetMetadata::Origin::kStart
                      : kind == "reset=keep"
                          ? OffsetMetadata::Origin::kResetKeep
                          : OffsetMetadata::Origin::kResetWipe;
    return metadata;
  }
  metadata.origin = OffsetMetadata::Origin::kEpoch;
  if (!ParseNumber(kind, "e=", metadata.epoch)) return std::nullopt;
  const std::string_view writer = NextField(text);
  if (!writer.starts_with("w=") || !text.empty()) return std::nullopt;
  metadata.writer_id = writer.substr(2);
  return metadata;
}

}  // namespace tacho
