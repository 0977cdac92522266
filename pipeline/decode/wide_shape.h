#pragma once

#include <string_view>

#include "pipeline/decode/decoder_config.h"
#include "pipeline/decode/decoder_types.h"
#include "pipeline/decode/field_rules.h"
#include "pipeline/decode/refused.h"
#include "pipeline/decode/scan_plan.h"

namespace tacho {

// One object per message, one record per object, a fixed path for each signal.
//
// A message that is wrong in several ways is refused for the first of these:
// the vehicle id, the event time (form, then min, max and the clock guard), the
// signals in schema order.
//
// Threading: one message at a time.
// Limits: those of the config.
class WideShape {
 public:
  static const ShapeType kType;

  explicit WideShape(const DecoderConfig& config);

  size_t signals() const { return rules_.signals.size(); }
  // What is looked for in a message.
  const ScanPlan& plan() const { return plan_; }

  // Writes the records of a message that was scanned; or says in `site` what
  // is wrong with it, and leaves it to the caller to roll back.
  template <typename Scanner>
  Refused Read(const Message& message, const Scanner& scanner,
               RecordWriter& writer, RejectSite& site) {
    std::string_view vehicle;
    if (const Refused r =
            rules_.vehicle.Read(message, scanner.value(vehicle_path_),
                                writer.batch(), vehicle, site)) {
      return r;
    }
    Timestamp time;
    if (const Refused r = rules_.event_time.Read(
            scanner.value(kTimePath), plan_.paths[kTimePath].pointer,
            message.log_time, writer.arena(), time, site)) {
      return r;
    }
    writer.StartRecord(vehicle, time);
    for (size_t i = 0; i < rules_.signals.size(); ++i) {
      const auto& value = scanner.value(kFirstSignalPath + i);
      const Refused refused = rules_.signals.Read(i, value, writer);
      if (refused.has_value()) [[unlikely]] {
        rules_.signals.Note(i, value, plan_.paths[kFirstSignalPath + i].pointer,
                            *refused, site);
        return refused;
      }
    }
    writer.EndRecord();
    return std::nullopt;
  }

 private:
  static constexpr size_t kTimePath = 0;
  static constexpr size_t kFirstSignalPath = 1;

  FieldRules rules_;
  ScanPlan plan_;        // Event time, signals, vehicle.
  size_t vehicle_path_;  // Of the event time, if the id is not in the message.
};

}  // namespace tacho
