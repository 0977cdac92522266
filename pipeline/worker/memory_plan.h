#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "pipeline/base/machine_limits.h"
#include "pipeline/base/status.h"
#include "pipeline/job/job.h"
#include "pipeline/kafka/kafka_handle.h"

namespace tacho {

// How `memory.limit` is split over what a worker holds. The claim, which tests
// hold against the process's resident memory, is
//
//   resident <= limit x 1.25 + 150 MB,
//
// where the quarter is for what allocators and growing buffers add, and the
// rest for the program, its libraries and their threads. It holds for messages
// that unpack to at most 50 times what they take in the log, and beyond that
// but for one batch a partition, which librdkafka unpacks as a whole: up to
// `fetch.batch_bytes` of zstd, 255 times its size of lz4, 1032 times of gzip.
struct MemoryPlan {
  // What the job is expected to have at once.
  struct Load {
    int partitions = 1;  // Of all input topics: one worker may own them all.
    int threads = 1;     // Lanes that run side by side.
    // The greatest max.message.bytes of an input topic; 0: not known.
    size_t input_message_bytes = 0;
  };

  uint64_t limit = 0;
  std::string limit_from;  // "memory.limit", or what of the machine says so.
  int partitions = 1;      // Over which fetch queues are shared.
  FetchLimits fetch;       // Of each of these partitions.

  // The parts of the limit.
  uint64_t fetch_bytes = 0;     // librdkafka's queues, all partitions.
  uint64_t batch_bytes = 0;     // Batches being processed, all threads.
  uint64_t state_bytes = 0;     // Decoded state, all lanes.
  uint64_t rocksdb_bytes = 0;   // Block cache and memtables, all lanes.
  uint64_t epoch_bytes = 0;     // Epochs being built and on their way out.
  uint64_t producer_bytes = 0;  // librdkafka's of messages on their way out.

  // Of changelogs that are being read, out of what lanes that restore do not
  // use yet: their epochs and decoded state.
  uint64_t restore_bytes = 0;

  uint64_t commit_bytes = 0;     // Of an epoch: at most `commit.bytes`.
  size_t drain_bytes = 0;        // Of a batch.
  size_t producer_messages = 0;  // On their way out at once.
  int least_partitions = 0;      // limits.partitions_per_worker; 0: none.

  uint64_t open_files = 0;  // That this process may have; kNone: no limit.
  int files_per_lane = 0;   // Of a lane's store, at most.

  // A lane's part of decoded state if `lanes` of them are owned.
  size_t StateBytesPerLane(size_t lanes) const;
  // A limit whose part for decoded state is so much.
  uint64_t LimitForState(uint64_t bytes) const;
  // Whether `lanes` of them fit. kInvalidArgument says what would do.
  Status CheckLanes(size_t lanes) const;
  // The most lanes that fit.
  size_t MostLanes() const;
};

// The most resident memory that a limit stands for.
uint64_t MostResident(uint64_t limit);
// The greatest limit that the machine has room for, less than all of it.
uint64_t GreatestLimit(const MachineLimits& machine);

// Without `memory.limit` in the job the limit is the greatest that the cgroup
// takes, at most three quarters of it; without a cgroup's a quarter of the
// machine's memory, because other processes live there, too.
// Errors: kInvalidArgument if the limit does not fit the machine, with the
// number that would do.
Result<MemoryPlan> PlanMemory(const Job& job, const MachineLimits& machine,
                              const MemoryPlan::Load& load);

// One line: the limit, whose it is, and its parts.
void LogMemoryPlan(const MemoryPlan& plan);

}  // namespace tacho
