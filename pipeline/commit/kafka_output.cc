#include "pipeline/commit/kafka_output.h"

#include <algorithm>

namespace tacho {

Timestamp ClampStamp(Timestamp stamp, Timestamp now,
                     const StampLimits& limits) {
  const auto reach = [](Millis limit) {
    return limit - std::min(limit / 2, kStampMargin);
  };
  if (stamp > now) {
    const Millis after = reach(limits.after);  // It may be any time at all.
    return stamp - now <= after ? stamp : now + after;
  }
  // A limit may be longer than there has been time.
  const Millis before = reach(limits.before);
  if (before >= now.time_since_epoch()) return stamp;
  return std::max(stamp, now - before);
}

}  // namespace tacho
