#pragma once

#include "pipeline/decode/decoder_config.h"
#include "pipeline/decode/event_time_rule.h"
#include "pipeline/decode/signal_rules.h"
#include "pipeline/decode/vehicle_rule.h"

namespace tacho {

// What the parts of a record must be, wherever in a message a shape has found
// them: the same for all shapes.
struct FieldRules {
  explicit FieldRules(const DecoderConfig& config)
      : vehicle(config), event_time(config.event_time), signals(config) {}

  VehicleRule vehicle;
  EventTimeRule event_time;
  SignalRules signals;
};

}  // namespace tacho
