#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace tacho {

// What tacho writes beside a committed offset, as ASCII text:
//
//   tacho1;g=<reset generation>;e=<epoch>;w=<writer id>      an epoch
//   tacho1;g=<reset generation>;reset=<keep|wipe>            an operator
//   tacho1;g=<reset generation>;start                        a resolved start
//
// It says which changelog the offset belongs to, and which epoch of which
// worker put it there.
struct OffsetMetadata {
  enum class Origin : uint8_t { kEpoch, kResetKeep, kResetWipe, kStart };
  Origin origin = Origin::kStart;
  int64_t generation = 0;
  int64_t epoch = 0;      // Of kEpoch.
  std::string writer_id;  // Of kEpoch.

  bool operator==(const OffsetMetadata&) const = default;
};

std::string FormatOffsetMetadata(const OffsetMetadata& metadata);
// Nothing if the text is not tacho's: another tool has set the offset.
std::optional<OffsetMetadata> ParseOffsetMetadata(std::string_view text);

}  // namespace tacho
