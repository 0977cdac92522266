#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "pipeline/base/time.h"
#include "state/lane_identity.h"

namespace tacho {

// What a lane published since its state point, up to an offset. For restarts
// that read it again: nothing writes any yet.
struct PublishedDigest {
  Offset offset = 0;    // Exclusive.
  uint64_t count = 0;   // Messages since the digest before.
  uint64_t digest = 0;  // XXH3 of their sinks, keys, values and headers.

  bool operator==(const PublishedDigest&) const = default;
};

// The line in a lane's store that says whose state it is and which epoch it
// holds; written in the same batch as the state changes of that epoch.
//
// Under exactly_once the same line, as the meta record, is the last that an
// epoch writes to the changelog; the fields under "Of a store" are empty there.
//
// On disk: u8 format (3), then, numbers little-endian and strings
// length-prefixed,
//
//   epoch, writer_id, guarantee, next_offset, partition_time, idle_origin,
//   ended_at, input_partitions, reset_generation, group, topic, cluster_id,
//   job, log_id, job_digest, tables, wall_time, published, digests,
//   changelog_next, restoring
//
// and u64 XXH3 of everything before it. Formats 1 and 2 are those of tacho 0.1,
// which named neither group nor topic.
struct Marker {
  static constexpr size_t kMaxDigests = 64;

  LaneIdentity lane;       // Whose state it is.
  int64_t epoch = 0;       // Counts the lane's commits, from 1.
  std::string writer_id;   // UUID of the worker that wrote it.
  Offset next_offset = 0;  // First offset that is not in the state.
  Timestamp partition_time = kNoTime;
  // The partition time that messages had reached, if time has moved on since
  // because the partition was empty; else kNoTime. What lies between was
  // measured while a worker ran; what passes while nobody does is not counted.
  Timestamp idle_origin = kNoTime;
  Timestamp ended_at = kNoTime;  // Set by --close-at-end.
  // Identity of the changelog that it is of (state/changelog_record.h). The
  // names and offsets of two logs can be the same, never this. 0: of none.
  uint64_t log_id = 0;
  uint64_t job_digest = 0;  // Of what the job makes of its input.
  Timestamp wall_time = kNoTime;
  // Below it all outputs are durable; never before next_offset.
  Offset published = 0;
  std::vector<PublishedDigest> digests;  // At most kMaxDigests.

  // Of a store: which part of the changelog it holds.
  // Next changelog offset that is not in the store; kNoOffset: unknown.
  Offset changelog_next = kNoOffset;
  // A restore is under way: the store holds the changelog up to
  // `changelog_next`, perhaps half an epoch and perhaps, the log being
  // compacted, no epoch's state at all; it is good for nothing but going on.
  // `wall_time` is then when the oldest of it was up to date. Above stands the
  // meta record at `changelog_next`; if state changes were the last that was
  // read, epoch 0 and only whose it is: their meta record is still to come.
  bool restoring = false;

  bool operator==(const Marker&) const = default;
};

// REQUIRES: !marker.lane.of_01.
void EncodeMarker(const Marker& marker, std::vector<char>& out);
// The meta record's value: `marker` without what only a store knows.
void EncodeMetaRecord(const Marker& marker, std::vector<char>& out);
// What no arithmetic of ours could bear, whoever wrote it: offsets, epochs and
// generations below 0 or next to int64's end, times beyond all time.
// kCorruption.
Status CheckMarkerRanges(const Marker& marker);
// Errors: kCorruption, ranges included; kInvalidArgument for the format of a
// later version.
Result<Marker> DecodeMarker(std::string_view bytes);

}  // namespace tacho
