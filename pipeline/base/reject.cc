#include "pipeline/base/reject.h"

namespace tacho {

const char* RejectReasonName(RejectReason reason) {
  switch (reason) {
    case RejectReason::kUnparsableJson:
      return "unparsable_json";
    case RejectReason::kInvalidUtf8:
      return "invalid_utf8";
    case RejectReason::kNotAnObject:
      return "not_an_object";
    case RejectReason::kMissingField:
      return "missing_field";
    case RejectReason::kWrongType:
      return "wrong_type";
    case RejectReason::kOutOfRange:
      return "out_of_range";
    case RejectReason::kClockPast:
      return "clock_past";
    case RejectReason::kClockFuture:
      return "clock_future";
    case RejectReason::kNoLogTime:
      return "no_log_time";
    case RejectReason::kTooDeep:
      return "too_deep";
    case RejectReason::kTooLarge:
      return "too_large";
  }
  return "unknown";
}

}  // namespace tacho
