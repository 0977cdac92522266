#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "state/marker.h"

namespace tacho {

// What tacho writes beside a committed offset, as ASCII text:
//
//   tacho2;g=<reset generation>;e=<epoch>;w=<writer id>;p=<published>;j=<job>
//   tacho2;g=<reset generation>;reset=<keep|wipe>;j=<job>    an operator
//   tacho2;g=<reset generation>;start;j=<job>                a resolved start
//
// It says which changelog the offset belongs to, whose group it is, and which
// epoch of which worker put it there. The job is PercentEncode(job).
struct OffsetMetadata {
  enum class Origin : uint8_t { kEpoch, kResetKeep, kResetWipe, kStart };
  static constexpr int kFormat = 2;

  Origin origin = Origin::kStart;
  int64_t generation = 0;
  int64_t epoch = 0;      // Of kEpoch: the state's.
  std::string writer_id;  // Of kEpoch.
  Offset published = 0;   // Of kEpoch: never behind the offset.
  std::string job;
  // 1: of tacho 0.1, which wrote neither `published` nor `job`; good for its
  // generation only. More than kFormat: of a later version, and not read.
  int format = kFormat;

  bool operator==(const OffsetMetadata&) const = default;
};

// REQUIRES: metadata.format == kFormat.
std::string FormatOffsetMetadata(const OffsetMetadata& metadata);
// Nothing if the text is not tacho's: another tool has set the offset.
std::optional<OffsetMetadata> ParseOffsetMetadata(std::string_view text);

// What goes beside the offset of an epoch.
OffsetMetadata MetadataOf(const Marker& marker);

// A group whose offsets are of another job, or of another version of tacho.
std::optional<Refusal> RefuseMetadata(const std::string& group,
                                      const std::string& job,
                                      const OffsetMetadata& found);
Status CheckMetadata(const std::string& group, const std::string& job,
                     const OffsetMetadata& found);

}  // namespace tacho
