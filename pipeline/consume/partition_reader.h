#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

#include "pipeline/base/batch.h"
#include "pipeline/base/headers.h"
#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"

namespace tacho {

// What a lane asks of one drain.
struct DrainLimits {
  size_t max_messages = 1000;
  size_t max_bytes = size_t{1} << 20;  // Keys and values; one message may pass.
  // Of a message's headers; none by default.
  HeaderLimits headers = {0, 0};
  // A stretch that cannot be read goes into the batch as such; else it ends
  // the drain with an error.
  bool skip_unreadable = false;
  Offset min_offset = 0;  // Messages before it were given already.
};

struct Drained {
  bool more = false;      // Stopped at a limit: drain again.
  uint64_t repeated = 0;  // Messages before min_offset.
  // Where the log goes on after what was drained; past control records and
  // compacted gaps where the source knows them. kNoOffset: nothing drained.
  Offset next_offset = kNoOffset;
  // What stopped the drain; the messages before it are in the batch. The lane
  // processes them and then fails.
  Status error;
};

// The queue of one assigned partition, made by GroupMember::MakeReader.
//
// Threading: Drain from one thread at a time; the readable callback is called
// on any thread, also from inside Drain.
// Lifetime: the member outlives it, and is closed only after it is gone.
class PartitionReader {
 public:
  virtual ~PartitionReader() = default;

  // Appends messages to `batch`; never blocks.
  virtual Drained Drain(Batch& batch, const DrainLimits& limits) = 0;

  // `on_readable` must be noexcept, quick, and must not call the member. It is
  // edge-triggered: called when an empty queue gets a message.
  virtual void EnableReadable(std::function<void()> on_readable) = 0;
  // After return the callback is not running and will not be called.
  virtual void DisableReadable() = 0;

  // The end offset of the partition as last heard from the broker, or
  // kNoOffset. Any thread.
  virtual Offset EndOffset() const = 0;
  // Where the last drain found no more that is committed, or kNoOffset. Behind
  // EndOffset for as long as a transaction is open there. Any thread.
  virtual Offset EndOfCommitted() const { return kNoOffset; }
};

}  // namespace tacho
