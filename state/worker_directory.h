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
// (<group> is FileNameOf the group's id, which may be any text.)
//
//   <state.dir>/<group>/lock                   held while places are taken
//   <state.dir>/<group>/worker-K/lock          held for life
//   <state.dir>/<group>/worker-K/worker-id     a UUID, made once
//   <state.dir>/<group>/worker-K/lanes/<topic>-<partition>/   a lane's store
//   <state.dir>/<group>/worker-K/quarantine/<UTC>-<why>-<topic>-<partition>/
//       a lane's store that was damaged, refused or superseded
//
// No state is deleted but the oldest in quarantine, once there are more copies
// of a lane, or more bytes of a worker, than QuarantineLimits allows; what came
// last stays, whatever its size.
//
// Threading: one thread at a time.
// Lifetime: the place is given up when the object goes or the process ends;
// directories stay. No store under it may be open then.
// Errors: kInvalidArgument for a topic name that is not a legal Kafka topic
// name; kPermission (also for what is not ours, see files.h), kIoError
// (retryable if the disk is full); kCorruption for a worker-id that is not a
// UUID.
class WorkerDirectory {
 public:
  static constexpr int kMaxWorkers = 1024;

  struct QuarantineLimits {
    size_t copies_per_lane = 3;
    uint64_t bytes = uint64_t{4} << 30;
  };

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

  // Moves the lane's directory into quarantine; nothing to do if there is
  // none. `why` becomes part of the name: small letters and '_'.
  // REQUIRES: the lane's store is not open here.
  Status Quarantine(const TopicPartition& lane, const std::string& why);
  void set_quarantine_limits(const QuarantineLimits& limits) {
    quarantine_limits_ = limits;
  }
  // The lanes that have a directory here, sorted.
  Result<std::vector<TopicPartition>> Lanes() const;

 private:
  struct Candidate;

  WorkerDirectory(std::string group_dir, int number, FileLock lock);
  Status Prepare();
  Status MoveAside(const std::string& lane_name, const std::string& why);
  Status TrimQuarantine();
  Status Delete(const std::string& name, const std::string& why);
  Result<std::optional<Candidate>> BestSibling(const std::string& lane_name,
                                               const MarkerReader& reader);

  std::string group_dir_;
  int number_;
  std::string path_;
  FileLock lock_;
  std::string worker_id_;
  QuarantineLimits quarantine_limits_;
};

// All copies of a group's state on this host, with the places of its workers
// held: nobody can start to use them meanwhile.
class HostCopies {
 public:
  // kUnavailable if a worker of the group runs here.
  static Result<HostCopies> Hold(const std::string& state_dir,
                                 const std::string& group);

  // The directories that hold, or held, the lane's state: in use first, then
  // those in quarantine, the newest first.
  std::vector<std::string> Of(const TopicPartition& lane) const;

 private:
  std::vector<std::string> workers_;  // worker-K, by number.
  std::vector<FileLock> locks_;
};

}  // namespace tacho
