#include "pipeline/decode/vehicle_rule.h"

#include "pipeline/decode/json_found.h"

namespace tacho {

VehicleRule::VehicleRule(const DecoderConfig& config)
    : path_(config.vehicle_path),
      is_key_(config.vehicle_path.empty()),
      max_bytes_(config.limits.vehicle_id_bytes),
      key_(config.key_format, config.key_path) {}

Refused VehicleRule::ReadOther(const Message& message, const JsonValue& value,
                               Batch& batch, std::string_view& id,
                               RejectSite& site) {
  const Refused refused = is_key_
                              ? key_.Read(message.key, batch.arena, id, site)
                              : FromValue(value, batch.arena, id, site);
  if (refused.has_value()) [[unlikely]] {
    site.site = kVehicleSite;
    return refused;
  }
  if (!EscapedJsonFits(id, max_bytes_)) [[unlikely]] {
    site = {};
    site.site = kVehicleSite;
    site.path = is_key_ ? "key" : path_;
    site.found = "text";
    site.sample = id;
    site.expected = "at most limits.vehicle_id_bytes, as JSON writes them";
    return RejectReason::kTooLarge;
  }
  if (is_key_ && VehicleKeyReader::LooksLikeJson(id)) [[unlikely]] {
    ++batch.json_keys;
  }
  return std::nullopt;
}

Refused VehicleRule::FromValue(const JsonValue& value, Arena& arena,
                               std::string_view& id, RejectSite& site) const {
  if (!IsText(value)) [[unlikely]] {
    NoteFound(value, "text", site);
    site.path = path_;
    return value.kind <= JsonKind::kNull ? RejectReason::kMissingField
                                         : RejectReason::kWrongType;
  }
  id = PlainText(value, arena);
  if (id.empty()) [[unlikely]] {
    NoteFound(value, "text that is not empty", site);
    site.path = path_;
    return RejectReason::kMissingField;
  }
  return std::nullopt;
}

}  // namespace tacho
