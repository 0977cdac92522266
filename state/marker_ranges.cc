#include <string>

#include "state/codec.h"
#include "state/marker.h"

namespace tacho {
namespace {

// No log, lane or group gets there, and counting on from it does not overflow.
constexpr int64_t kMost = INT64_MAX / 4;

Status OutOfRange(const char* field, int64_t value) {
  return Corruption(std::string("marker: ") + field + " " +
                    std::to_string(value) + " is out of range");
}

Status CheckCount(const char* field, int64_t value, int64_t least) {
  const bool sane = value >= least && value <= kMost;
  return sane ? Status::Ok() : OutOfRange(field, value);
}

Status CheckTime(const char* field, Timestamp time) {
  return IsStateTime(time) ? Status::Ok()
                           : OutOfRange(field, ToEpochMillis(time));
}

}  // namespace

Status CheckMarkerRanges(const Marker& marker) {
  RETURN_IF_ERROR(CheckCount("epoch", marker.epoch, 0));
  RETURN_IF_ERROR(CheckCount("next offset", marker.next_offset, 0));
  RETURN_IF_ERROR(
      CheckCount("input partitions", marker.lane.input_partitions, 0));
  RETURN_IF_ERROR(
      CheckCount("reset generation", marker.lane.reset_generation, 0));
  RETURN_IF_ERROR(
      CheckCount("changelog offset", marker.changelog_next, kNoOffset));
  RETURN_IF_ERROR(CheckCount("published offset", marker.published, 0));
  for (const PublishedDigest& digest : marker.digests) {
    RETURN_IF_ERROR(CheckCount("digest offset", digest.offset, 0));
  }
  RETURN_IF_ERROR(CheckTime("partition time", marker.partition_time));
  RETURN_IF_ERROR(CheckTime("idle origin", marker.idle_origin));
  RETURN_IF_ERROR(CheckTime("end time", marker.ended_at));
  return CheckTime("wall time", marker.wall_time);
}

}  // namespace tacho
