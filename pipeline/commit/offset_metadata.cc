#include "pipeline/commit/offset_metadata.h"

#include <charconv>
#include <vector>

#include "pipeline/base/check.h"
#include "state/names.h"

namespace tacho {
namespace {

constexpr std::string_view kVersion = "tacho";  // And the format.
constexpr int kFormatOf01 = 1;
using Origin = OffsetMetadata::Origin;

std::vector<std::string_view> Fields(std::string_view text) {
  std::vector<std::string_view> fields;
  size_t end = 0;
  do {
    end = text.find(';');
    fields.push_back(text.substr(0, end));
    text.remove_prefix(end == text.npos ? text.size() : end + 1);
  } while (end != text.npos);
  return fields;
}

bool TakeName(std::string_view& field, std::string_view name) {
  if (!field.starts_with(name)) return false;
  field.remove_prefix(name.size());
  return true;
}

template <typename Number>
bool ParseNumber(std::string_view field, std::string_view name, Number& out) {
  if (!TakeName(field, name)) return false;
  const char* const end = field.data() + field.size();
  const auto result = std::from_chars(field.data(), end, out);
  return result.ec == std::errc() && result.ptr == end && out >= 0;
}

std::optional<Origin> ParseOrigin(std::string_view field) {
  if (field == "start") return Origin::kStart;
  if (field == "reset=keep") return Origin::kResetKeep;
  if (field == "reset=wipe") return Origin::kResetWipe;
  if (field.starts_with("e=")) return Origin::kEpoch;
  return std::nullopt;
}

bool ParseJob(std::string_view field, std::string& job) {
  if (!TakeName(field, "j=")) return false;
  auto decoded = PercentDecode(field);
  if (!decoded.has_value()) return false;
  job = *std::move(decoded);
  return true;
}

}  // namespace

std::string FormatOffsetMetadata(const OffsetMetadata& metadata) {
  CHECK(metadata.format == OffsetMetadata::kFormat);
  std::string text(kVersion);
  text += std::to_string(metadata.format) +
          ";g=" + std::to_string(metadata.generation);
  switch (metadata.origin) {
    case Origin::kEpoch:
      text += ";e=" + std::to_string(metadata.epoch) +
              ";w=" + metadata.writer_id +
              ";p=" + std::to_string(metadata.published);
      break;
    case Origin::kResetKeep:
      text += ";reset=keep";
      break;
    case Origin::kResetWipe:
      text += ";reset=wipe";
      break;
    case Origin::kStart:
      text += ";start";
      break;
  }
  return text + ";j=" + PercentEncode(metadata.job);
}

std::optional<OffsetMetadata> ParseOffsetMetadata(std::string_view text) {
  const std::vector<std::string_view> fields = Fields(text);
  OffsetMetadata metadata;
  if (!ParseNumber(fields[0], kVersion, metadata.format)) return std::nullopt;
  if (metadata.format > OffsetMetadata::kFormat) return metadata;
  const bool of_01 = metadata.format == kFormatOf01;
  if (metadata.format < kFormatOf01 || fields.size() < 3 ||
      !ParseNumber(fields[1], "g=", metadata.generation)) {
    return std::nullopt;
  }
  const auto origin = ParseOrigin(fields[2]);
  if (!origin.has_value()) return std::nullopt;
  metadata.origin = *origin;
  const bool epoch = metadata.origin == Origin::kEpoch;
  // Of 0.1: epoch and writer at most.
  const size_t own = epoch ? (of_01 ? 4 : 5) : 3;
  if (fields.size() != own + (of_01 ? 0 : 1)) return std::nullopt;
  if (epoch) {
    std::string_view writer = fields[3];
    if (!ParseNumber(fields[2], "e=", metadata.epoch) ||
        !TakeName(writer, "w=")) {
      return std::nullopt;
    }
    metadata.writer_id = writer;
    if (!of_01 && !ParseNumber(fields[4], "p=", metadata.published)) {
      return std::nullopt;
    }
  }
  if (!of_01 && !ParseJob(fields.back(), metadata.job)) return std::nullopt;
  return metadata;
}

OffsetMetadata MetadataOf(const Marker& marker) {
  OffsetMetadata metadata;
  metadata.origin = Origin::kEpoch;
  metadata.generation = marker.lane.reset_generation;
  metadata.epoch = marker.epoch;
  metadata.writer_id = marker.writer_id;
  metadata.published = marker.published;
  metadata.job = marker.lane.job;
  return metadata;
}

std::optional<Refusal> RefuseMetadata(const std::string& group,
                                      const std::string& job,
                                      const OffsetMetadata& found) {
  if (found.format < OffsetMetadata::kFormat) {
    return RefusalOf01("the offsets of group " + group, "its state");
  }
  if (found.format > OffsetMetadata::kFormat) {
    return Refusal{"the offsets of group " + group +
                       " are of a later version of tacho (format " +
                       std::to_string(found.format) + ")",
                   "run that version, or use another group.id"};
  }
  if (found.job == job) return std::nullopt;
  return RefusalOfJob("group " + group + " belongs to job " + found.job,
                      found.job, job);
}

Status CheckMetadata(const std::string& group, const std::string& job,
                     const OffsetMetadata& found) {
  const auto refusal = RefuseMetadata(group, job, found);
  return refusal.has_value() ? refusal->ToStatus() : Status::Ok();
}

}  // namespace tacho
