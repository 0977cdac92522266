#include "pipeline/decode/event_time_rule.h"

#include "pipeline/base/iso8601.h"
#include "pipeline/decode/json_found.h"

namespace tacho {

Refused EventTimeRule::ReadOther(const JsonValue& value, std::string_view path,
                                 Timestamp log_time, Arena& arena,
                                 Timestamp& time, RejectSite& site) const {
  Refused refused = RejectReason::kWrongType;
  std::string_view expected = "a number or ISO-8601 text with a zone";
  if (value.kind == JsonKind::kNumber) {
    refused = ParseEpoch(value.text(), source_.format, time);
  } else if (value.kind == JsonKind::kAbsent || value.kind == JsonKind::kNull) {
    refused = RejectReason::kMissingField;
  } else if (IsText(value)) {
    refused = ParseIso8601(PlainText(value, arena), time);
    expected =
        "ISO-8601 as 2026-01-26T16:00:00Z or with +01:00, or a bare number";
  }
  if (!refused.has_value()) refused = CheckClock(time, log_time, expected);
  if (refused.has_value()) [[unlikely]] {
    NoteFound(value, expected, site);
    site.site = kEventTimeSite;
    site.path = path;
  }
  return refused;
}

}  // namespace tacho
