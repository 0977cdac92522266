#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pipeline/base/status.h"
#include "pipeline/commit/offset_metadata.h"
#include "state/marker.h"

namespace tacho {

// Errors of what tacho 0.1 has written: kInvalidArgument with the remedy.
Status StateOf01(const std::string& what);

// Whose state something is. It is checked before anything that is found, in a
// changelog, on disk or beside an offset, is believed.
struct StateOwner {
  std::string group;
  std::string topic;  // The input.
  std::string cluster_id;
  std::string job;
};

StateOwner OwnerOf(const Marker& marker);
// What goes beside the offset of an epoch.
OffsetMetadata MetadataOf(const Marker& marker);

// Where state was found: the remedies differ.
enum class FoundIn : uint8_t { kDirectory, kChangelog };

// Another group's, input's or cluster's, or tacho 0.1's. kInvalidArgument,
// naming them and what to do. The job is not looked at.
Status CheckPlace(const StateOwner& ours, const Marker& found, FoundIn where);
// The same, and another job's.
Status CheckOwner(const StateOwner& ours, const Marker& found, FoundIn where);

// Why a job may not go on from what is there, and what to do.
struct Refusal {
  std::string what;
  std::string fix;

  Status ToStatus() const { return InvalidArgument(what + ": " + fix); }
};

// A group whose offsets are of another job, or of another version of tacho.
std::optional<Refusal> RefuseMetadata(const std::string& group,
                                      const std::string& job,
                                      const OffsetMetadata& found);
Status CheckMetadata(const std::string& group, const std::string& job,
                     const OffsetMetadata& found);

}  // namespace tacho
