#pragma once

#include <cstdint>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/membership.h"
#include "pipeline/base/output_buffer.h"
#include "state/marker.h"
#include "state/state_store.h"

namespace tacho {

// A lane's part of an epoch: everything that it did between two freezes. A
// value: it owns its bytes and refers to nothing of the lane.
//
// Threading: filled by the lane's thread at a freeze, then owned by the
// committer until it is applied or dropped. Recycled; Clear keeps capacity.
struct LaneEpoch {
  TopicPartition tp;
  bool changed = false;  // False: nothing to make durable.
  uint64_t messages = 0;
  Marker marker;         // Position and times after the epoch.
  OutputBuffer outputs;  // Outputs, rejects and late records.
  StateChanges changes;
  // Exactly once, of the changelog: whether the part begins it, and so with its
  // identity record; that and the meta record, encoded; where the log went on
  // before the part; the offset after the part's first record, as delivered.
  bool begins_log = false;
  std::vector<char> identity;
  std::vector<char> meta;
  Offset changelog_floor = kNoOffset;
  Offset changelog_first = kNoOffset;

  size_t used_bytes() const {
    return outputs.used_bytes() + changes.used_bytes();
  }
  void Clear() {
    changed = false;
    messages = 0;
    outputs.Clear();
    changes.Clear();
    begins_log = false;
    identity.clear();
    meta.clear();
  }
};

// Applies a lane's part to its store. Implemented by the lane, which knows
// whether it still owns the partition.
class EpochOwner {
 public:
  virtual ~EpochOwner() = default;
  // Writes state changes and marker in one batch. Committer's thread.
  virtual Status Apply(const LaneEpoch& part) = 0;
  // False once the partition was lost or revoked: the fence.
  virtual bool owned() const = 0;
};

// How far an epoch has come. At least once, a retry goes on where the last try
// stopped, so that nothing is produced twice needlessly; kCommitted comes last
// there, and before kApplied exactly once.
enum class EpochStage : uint8_t { kFrozen, kProduced, kApplied, kCommitted };

// What is committed as a whole: the parts of one driver's lanes, of those that
// changed.
struct Epoch {
  struct Part {
    LaneEpoch* epoch;
    EpochOwner* owner;
  };
  std::vector<Part> parts;
  GroupMembership membership;  // Of the assignment that the lanes are from.
  EpochStage stage = EpochStage::kFrozen;
};

}  // namespace tacho
