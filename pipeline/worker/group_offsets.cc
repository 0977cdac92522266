#include "pipeline/worker/group_offsets.h"

#include <vector>

#include "pipeline/commit/offset_metadata.h"

namespace tacho {
namespace {

constexpr Millis kTimeout{10000};

}  // namespace

Status GroupOffsets::CommitOffsets(const Epoch& epoch) {
  std::vector<PartitionOffset> offsets;
  for (const Epoch::Part& part : epoch.parts) {
    const Marker& marker = part.epoch->marker;
    // A reset that this offset comes after stays obeyed.
    offsets.push_back({part.epoch->tp, marker.next_offset,
                       FormatOffsetMetadata(MetadataOf(marker))});
  }
  return member_.CommitOffsets(offsets, kTimeout);
}

}  // namespace tacho
