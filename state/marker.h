#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"

namespace tacho {

enum class Guarantee : uint8_t { kAtLeastOnce = 1, kExactlyOnce = 2 };

const char* GuaranteeName(Guarantee guarantee);  // "at_least_once", ...

// The line in a lane's store that says which epoch it holds; written in the
// same batch as the state changes of that epoch.
//
// Under exactly_once the same line, as the meta record, is the last that an
// epoch writes to the changelog; the fields under "Of a store" are empty there.
//
// On disk: u8 format (2), then the fields below in order, numbers
// little-endian, strings length-prefixed, u64 XXH3 of everything before it.
struct Marker {
  int64_t epoch = 0;      // Counts the lane's commits, from 1.
  std::string writer_id;  // UUID of the worker that wrote it.
  Guarantee guarantee = Guarantee::kAtLeastOnce;
  Offset next_offset = 0;  // First offset that is not in the state.
  Timestamp partition_time = kNoTime;
  // The clock for which `partition_time` stands, if an idle partition's time
  // has moved on with the clock since the last message; else kNoTime. Who goes
  // on from here moves time along the same line: what passes while nobody runs
  // counts, once the broker is asked anew and says that nothing has come.
  Timestamp idle_origin = kNoTime;
  Timestamp ended_at = kNoTime;  // Set by --close-at-end.
  int32_t input_partitions = 0;  // Partition count of the input topic.
  int64_t reset_generation = 0;
  Timestamp wall_time = kNoTime;
  std::string job;
  // (table name, fingerprint) of every table, sorted by name.
  std::vector<std::pair<std::string, uint64_t>> tables;

  // Of a store: which part of which changelog it holds.
  std::string cluster_id;
  // Next changelog offset that is not in the store; kNoOffset: unknown.
  Offset changelog_next = kNoOffset;
  // A restore is under way: the store holds the changelog up to
  // `changelog_next`, perhaps half an epoch and perhaps, the log being
  // compacted, no epoch's state at all; it is good for nothing but going on.
  // `wall_time` is then when the oldest of it was up to date. Above stands the
  // meta record at `changelog_next`; if state changes were the last that was
  // read, epoch 0 and only job, guarantee, input_partitions and
  // reset_generation: their meta record is still to come.
  bool restoring = false;

  bool operator==(const Marker&) const = default;
};

void EncodeMarker(const Marker& marker, std::vector<char>& out);
// The meta record's value: `marker` without what only a store knows.
void EncodeMetaRecord(const Marker& marker, std::vector<char>& out);
Result<Marker> DecodeMarker(std::string_view bytes);

}  // namespace tacho
