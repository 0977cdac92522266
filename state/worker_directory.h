#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pipeline/base/ids.h"
#include "pipeline/base/status.h"
#include "state/files.h"
#include "state/marker.h"

namespace tacho {

// This worker's place under `state.dir`, which the workers of one host share:
//
//   <state.dir>/<group>/lock                   held while places are taken
//   <state.dir>/<group>/worker-K/lock          held for life
//   <state.dir>/<group>/worker-K/worker-id     a UUID, made once
//   <state.dir>/<group>/worker-K/lanes/<topic>-<partition>/   a lane's store
//   <state.dir>/<group>/worker-K/discarded/    moved aside, then deleted
//
// Threading: one thread at a time.
// Lifetime: the place is given up when the object goes or the process ends;
// directories stay. No store under it may be open then.
// Errors: kInvalidArgument for a group or topic name that is not a legal Kafka
// topic name; kPermission, kIoError (retryable if the disk is full);
// kCorruption for a worker-id that is not a UUID.
class WorkerDirectory {
 public:
  static constexpr int kMaxWorkers = 1024;

  // Reads the marker of the closed store in a directory.
  using MarkerReader =
      std::function<Result<std::optional<Marker>>(const std::string& dir)>;

  // Takes the first worker-K that nobody holds, K from 0.
  static Result<std::unique_ptr<WorkerDirectory>> Claim(
      const std::string& state_dir, const std::string& group);

  int number() const { return number_; }                       // K.
  const std::string& worker_id() const { return worker_id_; }  // The UUID.
  const std::string& path() const { return path_; }

  // Where the lane's store belongs; the store makes the directory.
  Result<std::string> LaneDirectory(const TopicPartition& lane) const;

  // Takes over the lane's directory from a dead worker of this group on this
  // host (its lock is free), if it is newer than what is here: the greater
  // (reset generation, next offset, epoch) of the markers wins. A directory
  // whose marker does not read counts as none. True if one was taken.
  // REQUIRES: the lane's store is not open here.
  Result<bool> Adopt(const TopicPartition& lane, const MarkerReader& reader);

  // Deletes the lane's directory; nothing to do if there is none.
  Status RemoveLane(const TopicPartition& lane);
  // The lanes that have a directory here, sorted.
  Result<std::vector<TopicPartition>> Lanes() const;

 private:
  struct Candidate;

  WorkerDirectory(std::string group_dir, int number, FileLock lock);
  Status Prepare();
  Status Discard(const std::string& dir);
  Result<std::optional<Candidate>> BestSibling(const std::string& lane_name,
                                               const MarkerReader& reader);

  std::string group_dir_;
  int number_;
  std::string path_;
  FileLock lock_;
  std::string worker_id_;
};

}  // namespace tacho
