#include "state/lane_identity.h"

#include <string_view>

namespace tacho {
namespace {

constexpr std::string_view kWipe =
    "stop the group and run tacho offsets reset JOB.yaml --to OFFSET --state "
    "wipe";

class Comparison {
 public:
  Comparison(const LaneIdentity& ours, const LaneIdentity& found, FoundIn where)
      : ours_(ours),
        found_(found),
        on_disk_(where == FoundIn::kDirectory),
        what_(on_disk_ ? "the state on disk" : "the changelog's state") {}

  std::vector<LaneDifference> All() {
    if (found_.of_01) {
      Add(LaneField::kVersion, RefusalOf01(what_).ToStatus());
      return std::move(all_);
    }
    ComparePlace();
    CompareGeneration();
    CompareJob();
    CompareTables();
    return std::move(all_);
  }

 private:
  void Add(LaneField field, Status status) {
    all_.push_back({field, std::move(status)});
  }

  static std::string Describe(const LaneIdentity& lane) {
    return "group " + lane.group + ", input " + lane.tp.topic + " (job " +
           lane.job + ", cluster " + lane.cluster_id + ")";
  }

  void ComparePlace() {
    const auto refuse = [this](LaneField field) {
      Add(field,
          InvalidArgument(
              what_ + " belongs to " + Describe(found_) + ", not to " +
              Describe(ours_) + ": " +
              (on_disk_
                   ? "give this job a state.dir of its own, or move that "
                     "directory away"
                   : "another group or a mirror writes to this topic. Give "
                     "this job a group.id of its own, or begin a new "
                     "changelog: " +
                         std::string(kWipe))));
    };
    if (found_.group != ours_.group) refuse(LaneField::kGroup);
    if (found_.tp.topic != ours_.tp.topic) refuse(LaneField::kTopic);
    const int32_t partition = found_.tp.partition;
    if (partition != kNoPartition && ours_.tp.partition != kNoPartition &&
        partition != ours_.tp.partition) {
      Add(LaneField::kPartition,
          InvalidArgument(what_ + " of " + ours_.tp.ToString() +
                          " is that of " + found_.tp.ToString()));
    }
    if (found_.cluster_id != ours_.cluster_id) refuse(LaneField::kCluster);
  }

  void CompareGeneration() {
    if (found_.reset_generation == ours_.reset_generation) return;
    Add(LaneField::kGeneration,
        Corruption(what_ + " is of reset generation " +
                   std::to_string(found_.reset_generation) +
                   ", the group is at " +
                   std::to_string(ours_.reset_generation)));
  }

  void CompareJob() {
    if (found_.job != ours_.job) {
      Add(LaneField::kJob, RefusalOfJob("group " + ours_.group +
                                            " has state of job " + found_.job,
                                        found_.job, ours_.job)
                               .ToStatus());
    }
    if (found_.guarantee != ours_.guarantee) {
      Add(LaneField::kGuarantee,
          InvalidArgument(
              std::string("the state was written under guarantee: ") +
              GuaranteeName(found_.guarantee) + " and the job says " +
              GuaranteeName(ours_.guarantee) +
              "; set it back, or remove the state directory and accept that "
              "open windows start empty"));
    }
    if (found_.input_partitions != ours_.input_partitions) {
      Add(LaneField::kPartitionCount,
          InvalidArgument(
              "the state was written when the topic had " +
              std::to_string(found_.input_partitions) + " partitions; it has " +
              std::to_string(ours_.input_partitions) +
              ": keys have moved to other partitions and per-vehicle state "
              "does not follow. Set partitions_added: continue to accept "
              "that, or replay the topic into a new group"));
    }
  }

  // The first table that is not on both sides and the same.
  void CompareTables() {
    const auto refuse = [this](const std::string& what) {
      Add(LaneField::kTables,
          InvalidArgument(what +
                          "; restore the job as it was, or stop the group and "
                          "start with empty state: tacho offsets reset "
                          "JOB.yaml --to OFFSET --state wipe"));
    };
    const std::string job = "job '" + found_.job + "'";
    auto ours = ours_.tables.begin();
    auto found = found_.tables.begin();
    while (ours != ours_.tables.end() && found != found_.tables.end() &&
           *ours == *found) {
      ++ours;
      ++found;
    }
    const bool all_declared = ours == ours_.tables.end();
    const bool all_found = found == found_.tables.end();
    if (all_declared && all_found) return;
    if (all_found || (!all_declared && ours->first < found->first)) {
      refuse("table '" + ours->first + "' is not in the stored state of " +
             job);
    } else if (all_declared || found->first < ours->first) {
      refuse("the stored state of " + job + " has table '" + found->first +
             "', which is not declared");
    } else {
      refuse("table '" + ours->first + "' of " + job +
             " was stored under another definition");
    }
  }

  const LaneIdentity& ours_;
  const LaneIdentity& found_;
  const bool on_disk_;
  const std::string what_;
  std::vector<LaneDifference> all_;
};

}  // namespace

const char* GuaranteeName(Guarantee guarantee) {
  switch (guarantee) {
    case Guarantee::kAtLeastOnceLocal:
      return "at_least_once_local";
    case Guarantee::kExactlyOnce:
      return "exactly_once";
  }
  return "unknown";
}

std::vector<LaneDifference> CompareLanes(const LaneIdentity& ours,
                                         const LaneIdentity& found,
                                         FoundIn where) {
  return Comparison(ours, found, where).All();
}

Refusal RefusalOf01(const std::string& what, const char* unread) {
  return {
      "tacho 0.1 wrote " + what + ", and this version does not read " + unread,
      "go on with tacho 0.1, or drop the state and say where to start: " +
          std::string(kWipe)};
}

Refusal RefusalOfJob(const std::string& what, const std::string& theirs,
                     const std::string& ours) {
  return {what + ", and this job is called " + ours,
          "if it was renamed, call it job: " + theirs +
              " again; if it is another job, give it a group.id of its own; to "
              "drop what job " +
              theirs + " has done, " + std::string(kWipe)};
}

}  // namespace tacho
