#include "pipeline/decode/json_format.h"

#include <algorithm>

#include "pipeline/base/utf8.h"

namespace tacho {
namespace {

// What bytes that are no JSON may be instead.
std::string_view LooksLike(std::string_view value) {
  const auto starts = [&](std::string_view prefix) {
    return value.substr(0, prefix.size()) == prefix;
  };
  if (value.empty()) return "JSON; the value is empty";
  if (starts("\x1f\x8b")) return "JSON; these bytes are gzip";
  if (starts("\x28\xb5\x2f\xfd")) return "JSON; these bytes are zstd";
  if (starts("\xef\xbb\xbf")) return "JSON; this starts with a byte order mark";
  if (value.size() > 5 && value[0] == '\0') {
    return "JSON; this starts with a zero byte, as in Confluent's framing";
  }
  if (starts("<")) return "JSON; this looks like XML";
  return "JSON";
}

}  // namespace

const FormatType JsonFormat::kType = {
    .name = "json",
    .help = "JSON (RFC 8259), all of it valid",
};

void JsonFormat::NoteRefused(std::string_view value, RejectReason reason,
                             RejectSite& site) {
  site = {};
  site.found = "bytes";
  site.sample = value;
  switch (reason) {
    case RejectReason::kTooLarge:
      site.found = "message";
      site.sample = {};
      site.expected = "at most limits.message_bytes";
      break;
    case RejectReason::kTooDeep:
      site.expected = "at most limits.depth levels";
      break;
    case RejectReason::kNotAnObject:
      site.found = "JSON";
      site.expected = "an object";
      break;
    case RejectReason::kInvalidUtf8:
      site.sample =
          value.substr(std::min(FindInvalidUtf8(value), value.size()));
      site.expected = LooksLike(value) == "JSON" ? "UTF-8" : LooksLike(value);
      break;
    default:
      site.expected = LooksLike(value);
  }
}

}  // namespace tacho
