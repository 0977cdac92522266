#pragma once

#include "pipeline/base/status.h"
#include "pipeline/commit/epoch.h"

namespace tacho {

// Commits a group's offsets outside any transaction. An at-least-once writer
// asks for it once an epoch's state is durable.
//
// Threading: called on the commit thread, one call at a time, while other
// threads use the group's member for other things.
// Lifetime: owned by the writer, and so gone before the member is closed.
class OffsetCommitter {
 public:
  virtual ~OffsetCommitter() = default;
  // The offset after each part, and tacho's text beside it. Waits for the
  // brokers. A retryable status leaves the old offsets in place.
  virtual Status CommitOffsets(const Epoch& epoch) = 0;
};

}  // namespace tacho
