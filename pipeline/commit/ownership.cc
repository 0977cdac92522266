#include "pipeline/commit/ownership.h"

namespace tacho {
namespace {

constexpr char kWipe[] =
    "stop the group and run tacho offsets reset JOB.yaml --to OFFSET --state "
    "wipe";
constexpr char kRemedyOf01[] =
    "go on with tacho 0.1, or drop the state and say where to start: stop the "
    "group and run tacho offsets reset JOB.yaml --to OFFSET --state wipe";

std::string Describe(const StateOwner& owner) {
  std::string text = "group " + owner.group + ", input " + owner.topic;
  return text + " (job " + owner.job + ", cluster " + owner.cluster_id + ")";
}

// Of a job that finds its group, or its state, in another's hands.
Refusal WrongJob(const std::string& what, const std::string& theirs,
                 const std::string& ours) {
  return {what + ", and this job is called " + ours,
          "if it was renamed, call it job: " + theirs +
              " again; if it is another job, give it a group.id of its own; to "
              "drop what job " +
              theirs + " has done, " + kWipe};
}

}  // namespace

StateOwner OwnerOf(const Marker& marker) {
  return {marker.group, marker.topic, marker.cluster_id, marker.job};
}

Status StateOf01(const std::string& what) {
  return Refusal{
      "tacho 0.1 wrote " + what + ", and this version does not read it",
      kRemedyOf01}
      .ToStatus();
}

OffsetMetadata MetadataOf(const Marker& marker) {
  OffsetMetadata metadata;
  metadata.origin = OffsetMetadata::Origin::kEpoch;
  metadata.generation = marker.reset_generation;
  metadata.epoch = marker.epoch;
  metadata.writer_id = marker.writer_id;
  metadata.published = marker.published;
  metadata.job = marker.job;
  return metadata;
}

Status CheckPlace(const StateOwner& ours, const Marker& found, FoundIn where) {
  const bool on_disk = where == FoundIn::kDirectory;
  const std::string what =
      on_disk ? "the state on disk" : "the changelog's state";
  if (found.of_01) return StateOf01(what);
  const StateOwner theirs = OwnerOf(found);
  if (ours.group == theirs.group && ours.topic == theirs.topic &&
      ours.cluster_id == theirs.cluster_id) {
    return Status::Ok();
  }
  return InvalidArgument(
      what + " belongs to " + Describe(theirs) + ", not to " + Describe(ours) +
      ": " +
      (on_disk ? "give this job a state.dir of its own, or move that "
                 "directory away"
               : "another group or a mirror writes to this topic. Give this "
                 "job a group.id of its own, or begin a new changelog: " +
                     std::string(kWipe)));
}

Status CheckOwner(const StateOwner& ours, const Marker& found, FoundIn where) {
  RETURN_IF_ERROR(CheckPlace(ours, found, where));
  if (found.job == ours.job) return Status::Ok();
  return WrongJob("group " + ours.group + " has state of job " + found.job,
                  found.job, ours.job)
      .ToStatus();
}

std::optional<Refusal> RefuseMetadata(const std::string& group,
                                      const std::string& job,
                                      const OffsetMetadata& found) {
  if (found.format < OffsetMetadata::kFormat) {
    return Refusal{"tacho 0.1 wrote the offsets of group " + group +
                       ", and this version does not read its state",
                   kRemedyOf01};
  }
  if (found.format > OffsetMetadata::kFormat) {
    return Refusal{"the offsets of group " + group +
                       " are of a later version of tacho (format " +
                       std::to_string(found.format) + ")",
                   "run that version, or use another group.id"};
  }
  if (found.job == job) return std::nullopt;
  return WrongJob("group " + group + " belongs to job " + found.job, found.job,
                  job);
}

Status CheckMetadata(const std::string& group, const std::string& job,
                     const OffsetMetadata& found) {
  const auto refusal = RefuseMetadata(group, job, found);
  return refusal.has_value() ? refusal->ToStatus() : Status::Ok();
}

}  // namespace tacho
