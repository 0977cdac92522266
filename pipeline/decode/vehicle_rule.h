#pragma once

#include <string_view>

#include "pipeline/base/batch.h"
#include "pipeline/base/json_escape.h"
#include "pipeline/decode/decoder_config.h"
#include "pipeline/decode/json_scanner.h"
#include "pipeline/decode/refused.h"
#include "pipeline/decode/vehicle_key.h"

namespace tacho {

// What a vehicle's id must be: a text of limited size, or a Kafka key that one
// can be read from.
//
// Threading: one thread at a time.
// Limits: allocates nothing but from the batch's arena.
class VehicleRule {
 public:
  explicit VehicleRule(const DecoderConfig& config);

  // Sets `id`, never empty, from the message's key, or from `value`, which is
  // what the message has at the config's vehicle path; or says what is wrong
  // in `site`. Counts ids that look like JSON.
  Refused Read(const Message& message, const JsonValue& value, Batch& batch,
               std::string_view& id, RejectSite& site) {
    if (!is_key_ && value.kind == JsonKind::kText && value.size != 0 &&
        EscapedJsonFits(value.text(), max_bytes_)) [[likely]] {
      id = value.text();
      return std::nullopt;
    }
    return ReadOther(message, value, batch, id, site);
  }

 private:
  // Also says what is wrong.
  Refused ReadOther(const Message& message, const JsonValue& value,
                    Batch& batch, std::string_view& id, RejectSite& site);
  Refused FromValue(const JsonValue& value, Arena& arena, std::string_view& id,
                    RejectSite& site) const;

  const std::string path_;
  const bool is_key_;
  const size_t max_bytes_;
  VehicleKeyReader key_;
};

}  // namespace tacho
