#include "pipeline/decode/vehicle_key.h"

#include <algorithm>
#include <charconv>
#include <cstring>

#include "pipeline/base/utf8.h"
#include "pipeline/decode/json_found.h"

namespace tacho {
namespace {

std::vector<std::string> KeyPaths(const std::string& path) {
  // A scanner wants a path; without one of the job's nothing is looked for.
  return {path.empty() ? "/-" : path};
}

bool IsAsciiText(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= 0x20 && c < 0x7F; });
}

// What binary bytes probably are, and what would read them.
std::string_view TextExpected(size_t size) {
  if (size == sizeof(int32_t)) {
    return "text; 4 bytes are probably an integer: write "
           "vehicle: {key: {as: int32}}";
  }
  if (size == sizeof(int64_t)) {
    return "text; 8 bytes are probably an integer: write "
           "vehicle: {key: {as: int64}}";
  }
  return "text without control characters; for other keys see "
         "input.vehicle.key";
}

void NoteBytes(std::string_view key, std::string_view expected,
               RejectSite& site) {
  site = {};
  site.found = "bytes";
  site.sample = key;
  site.expected = expected;
}

JsonValue RootScalar(std::string_view key) {
  const auto is_space = [](char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
  };
  while (is_space(key.front())) key.remove_prefix(1);
  while (is_space(key.back())) key.remove_suffix(1);
  JsonValue value;
  value.data = key.data();
  value.size = static_cast<uint32_t>(key.size());
  switch (key.front()) {
    case '"':
      ++value.data;
      value.size -= 2;
      value.kind = key.find('\\') == std::string_view::npos
                       ? JsonKind::kText
                       : JsonKind::kEscapedText;
      break;
    case '[':
      value.kind = JsonKind::kArray;
      break;
    case 't':
      value.kind = JsonKind::kTrue;
      break;
    case 'f':
      value.kind = JsonKind::kFalse;
      break;
    case 'n':
      value.kind = JsonKind::kNull;
      break;
    default:
      value.kind = JsonKind::kNumber;
  }
  return value;
}

bool IsWhole(std::string_view number) {
  return number.find_first_of(".eE") == std::string_view::npos;
}

}  // namespace

VehicleKeyReader::VehicleKeyReader(KeyFormat format, const std::string& path)
    : format_(format),
      path_(path),
      scanner_(KeyPaths(path), {kMaxKeyBytes, kMaxKeyDepth}) {}

std::optional<RejectReason> VehicleKeyReader::Read(std::string_view key,
                                                   Arena& arena,
                                                   std::string_view& id,
                                                   RejectSite& site) {
  std::optional<RejectReason> refused;
  if (key.empty()) {
    site = {};
    site.found = key.data() == nullptr ? "no key" : "empty key";
    refused = RejectReason::kMissingField;
  } else if (format_ == KeyFormat::kText) {
    refused = ReadText(key, id, site);
  } else if (format_ == KeyFormat::kJson) {
    refused = ReadJson(key, arena, id, site);
  } else if (format_ == KeyFormat::kInt32) {
    refused = ReadInt<int32_t>(key, arena, id, site);
  } else {
    refused = ReadInt<int64_t>(key, arena, id, site);
  }
  if (refused.has_value()) site.path = "key";
  return refused;
}

std::optional<RejectReason> VehicleKeyReader::ReadText(std::string_view key,
                                                       std::string_view& id,
                                                       RejectSite& site) const {
  id = key;
  if (IsAsciiText(key)) [[likely]] {
    return std::nullopt;
  }
  const bool is_utf8 = IsUtf8(key);
  if (is_utf8 && !HasControl(key)) return std::nullopt;
  NoteBytes(key, TextExpected(key.size()), site);
  return is_utf8 ? RejectReason::kWrongType : RejectReason::kInvalidUtf8;
}

std::optional<RejectReason> VehicleKeyReader::ReadJson(std::string_view key,
                                                       Arena& arena,
                                                       std::string_view& id,
                                                       RejectSite& site) {
  const auto scanned = scanner_.Scan(key);
  JsonValue value;
  if (!scanned.has_value() && !path_.empty()) {
    value = scanner_.value(0);
  } else if (!scanned.has_value()) {
    value.kind = JsonKind::kObject;
  } else if (*scanned == RejectReason::kNotAnObject) {
    value = RootScalar(key);
  } else {
    NoteBytes(key, "JSON", site);
    return scanned;
  }
  if (scanned.has_value() != path_.empty()) {
    NoteFound(value,
              path_.empty() ? "a text or a whole number; for a member of "
                              "an object write key: {as: json, path: /ID}"
                            : "an object, as input.vehicle.key.path says",
              site);
    return RejectReason::kWrongType;
  }
  if (value.kind == JsonKind::kNumber && IsWhole(value.text())) {
    id = value.text();
    return std::nullopt;
  }
  if (IsText(value)) id = PlainText(value, arena);
  if (IsText(value) && !id.empty()) return std::nullopt;
  NoteFound(value, "a text or a whole number", site);
  return IsText(value) || value.kind <= JsonKind::kNull
             ? RejectReason::kMissingField
             : RejectReason::kWrongType;
}

template <typename Int>
std::optional<RejectReason> VehicleKeyReader::ReadInt(std::string_view key,
                                                      Arena& arena,
                                                      std::string_view& id,
                                                      RejectSite& site) const {
  if (key.size() != sizeof(Int)) {
    NoteBytes(key,
              sizeof(Int) == sizeof(int32_t) ? "4 bytes: a big-endian integer"
                                             : "8 bytes: a big-endian integer",
              site);
    return RejectReason::kWrongType;
  }
  uint64_t bits = 0;
  for (const char c : key) bits = bits << 8 | static_cast<unsigned char>(c);
  constexpr size_t kDigits = 24;
  char* const out = arena.Allocate(kDigits);
  const auto end =
      std::to_chars(out, out + kDigits, static_cast<Int>(bits)).ptr;
  id = {out, static_cast<size_t>(end - out)};
  return std::nullopt;
}

}  // namespace tacho
