#include "pipeline/restore/take_over.h"

#include "pipeline/base/fail_point.h"
#include "pipeline/kafka/kafka_commands.h"

namespace tacho {
namespace {

using Origin = OffsetMetadata::Origin;

// A store may be older than what the log still remembers by this much less
// than delete.retention.ms: brokers clean at their own pace.
constexpr Millis kRetentionMargin{3600 * 1000};

bool IsOf(const CommittedOffset& committed, Origin kind) {
  return committed.metadata.has_value() && committed.metadata->origin == kind;
}

std::string ResetCommand(const LaneIdentity& lane, const char* state) {
  return "stop the group and run: tacho offsets reset JOB.yaml --group " +
         ShellWord(lane.group) + " --to OFFSET --state " + state;
}

std::string RebuildAdvice() {
  return "Where a host has a copy of the state that is what the group has "
         "committed, stop the group and write the changelog anew there: tacho "
         "offsets rebuild-changelog JOB.yaml. ";
}

}  // namespace

RestoreBase ChooseBase(const LaneIdentity& lane,
                       const std::optional<Marker>& local,
                       const ChangelogExtent& changelog, Timestamp now) {
  RestoreBase base;
  base.replay_from = changelog.start;
  if (!local.has_value()) return base;
  const Offset next = local->changelog_next;
  if (local->lane.of_01) {
    base.why_not = "tacho 0.1 wrote it";
  } else if (local->lane.reset_generation != lane.reset_generation) {
    base.why_not = "it is of reset generation " +
                   std::to_string(local->lane.reset_generation) +
                   ", the group is at " + std::to_string(lane.reset_generation);
  } else if (next == kNoOffset || local->log_id == 0) {
    base.why_not = "it does not say which part of which changelog it holds";
  } else if (next > changelog.end) {
    base.why_not = "the changelog ends at " + std::to_string(changelog.end) +
                   " and it holds more, up to " + std::to_string(next);
    base.alarm = true;
  } else if (next < changelog.start) {
    base.why_not = "the changelog begins at " +
                   std::to_string(changelog.start) + ", after it";
  } else if (changelog.end > next + 1 &&
             // At most the control record of its own transaction follows a
             // store that has everything, however old it is. What is older
             // than the log's memory of deletions could keep erased entries.
             now - local->wall_time >=
                 changelog.delete_retention - kRetentionMargin) {
    base.why_not = "it is older than delete.retention.ms of the changelog";
  } else {
    base.use_local = true;
    base.replay_from = next;
  }
  return base;
}

Status CheckWhole(const LaneIdentity& lane, const CommittedOffset& committed,
                  const std::optional<Marker>& local, const RestoreBase& base,
                  const ChangelogExtent& changelog) {
  if (base.use_local || !(base.alarm || changelog.start > 0)) {
    return Status::Ok();
  }
  const std::string what =
      base.alarm ? "the changelog (generation " +
                       std::to_string(lane.reset_generation) +
                       ") ends at offset " + std::to_string(changelog.end) +
                       ", and the state on this host holds it up to " +
                       std::to_string(local->changelog_next) +
                       ": it was deleted or emptied, or its end was cut off"
                 : "the changelog (generation " +
                       std::to_string(lane.reset_generation) +
                       ") begins at offset " + std::to_string(changelog.start) +
                       ", not at 0: its head was deleted, and state with it "
                       "(compaction does not do that; DeleteRecords does, and "
                       "retention under another cleanup.policy than compact)";
  const bool whole = local.has_value() && !local->restoring;
  if (whole && IsUntouched(committed, *local)) {
    return Corruption(what +
                      ". The state on this host is whole, it is what the group "
                      "has committed, and it stays where it is. Stop the group "
                      "and write the changelog anew from it, here: tacho "
                      "offsets rebuild-changelog JOB.yaml. Or, to go on with "
                      "empty state, " +
                      ResetCommand(lane, "wipe"));
  }
  // Somebody else has gone on from it: he, or the log, has what it lacks. Or an
  // operator has said that what the log has is what counts.
  const bool superseded = whole && (IsBehind(committed, *local) ||
                                    IsOf(committed, Origin::kResetKeep));
  // And half a restore has nothing that the log does not have.
  if (changelog.start == 0 && (superseded || !whole)) return Status::Ok();
  return Corruption(
      what +
      ". If another host has a copy that is whole, stop the group and run "
      "there: tacho offsets rebuild-changelog JOB.yaml --dry-run. To go on "
      "with "
      "empty state, " +
      ResetCommand(lane, "wipe"));
}

Result<StartDecision> DecideStart(const LaneIdentity& lane,
                                  const CommittedOffset& committed,
                                  const std::optional<Marker>& state) {
  StartDecision decision;
  decision.start = committed.offset;
  const bool epoch_was_here = committed.metadata.has_value() &&
                              committed.metadata->origin == Origin::kEpoch;
  if (!state.has_value()) {
    // An existing group is adopted, with empty state; but not one whose state
    // was ours and is gone.
    if (!epoch_was_here) return decision;
    return Corruption(
        "the group's offset " + std::to_string(committed.offset) +
        " was committed with epoch " +
        std::to_string(committed.metadata->epoch) +
        " of this job, and its changelog (generation " +
        std::to_string(lane.reset_generation) +
        ") holds no state: it was deleted or emptied. To go on with empty "
        "state, " +
        ResetCommand(lane, "wipe"));
  }
  if (IsOf(committed, Origin::kResetWipe)) {
    // The generation's first epoch takes the place of what the reset has
    // written, so whatever is here is not of this reset.
    return Corruption(
        "the group was reset with --state wipe, and the changelog of its new "
        "generation " +
        std::to_string(lane.reset_generation) + " holds state already (epoch " +
        std::to_string(state->epoch) +
        "): the offset was moved back to before the generation began. To "
        "start with empty state, " +
        ResetCommand(lane, "wipe"));
  }
  decision.use_state = true;
  decision.begins_log = IsOf(committed, Origin::kResetKeep);
  if (IsBehind(committed, *state)) {
    return Corruption(
        "the group is at epoch " + std::to_string(committed.metadata->epoch) +
        " and the changelog (generation " +
        std::to_string(lane.reset_generation) + ") ends with epoch " +
        std::to_string(state->epoch) + ": its end was cut off. " +
        RebuildAdvice() + "Or, to go on, " + ResetCommand(lane, "keep|wipe"));
  }
  if (committed.offset == kNoOffset) {
    // Expired, or never told: the state knows where it ends.
    decision.start = state->next_offset;
    decision.recommit = true;
    return decision;
  }
  if (committed.offset == state->next_offset) return decision;
  if (IsOf(committed, Origin::kResetKeep) || SABOTAGED("skip_offsets")) {
    return decision;
  }
  return Corruption(
      "the group's offset is " + std::to_string(committed.offset) +
      " and the state ends at " + std::to_string(state->next_offset) +
      " (epoch " + std::to_string(state->epoch) +
      "): another tool has moved the offset, or the state is not the group's. "
      "To start at an offset of your choice, " +
      ResetCommand(lane, "keep|wipe"));
}

bool IsBehind(const CommittedOffset& committed, const Marker& state) {
  return IsOf(committed, Origin::kEpoch) &&
         committed.metadata->generation == state.lane.reset_generation &&
         committed.metadata->epoch > state.epoch;
}

StartDecision DecideLocalStart(const CommittedOffset& committed,
                               const std::optional<Marker>& local) {
  StartDecision decision;
  // Each reset begins a generation. A state of another one has not seen it,
  // however far it got: the offset counts, and --state keep says that the
  // state does too.
  const bool keep = IsOf(committed, Origin::kResetKeep);
  const bool wipe = IsOf(committed, Origin::kResetWipe);
  const bool of_generation =
      local.has_value() && !local->lane.of_01 &&
      (!committed.metadata.has_value() ||
       local->lane.reset_generation == committed.metadata->generation);
  if (local.has_value() && !of_generation) {
    decision.start = committed.offset;
    decision.use_state = keep;
    decision.state_not_moved = !keep && !wipe && committed.offset > 0;
    return decision;
  }
  // The marker is written before the offsets are: equal or ahead is ours. No
  // committed offset at all: the state knows better where it ends.
  if (local.has_value() && local->next_offset >= committed.offset) {
    decision.use_state = true;
    decision.start = local->next_offset;
    decision.recommit = decision.start != committed.offset;
    return decision;
  }
  decision.start = committed.offset;
  // Nothing lies before offset 0, and nobody has worked on a partition whose
  // start was only resolved: no state to miss. Otherwise another worker has
  // gone on from here, with state that we do not have.
  decision.state_not_moved =
      committed.offset > 0 && !wipe && !IsOf(committed, Origin::kStart);
  return decision;
}

Status CheckStartInLog(const LaneIdentity& lane, Offset start, Offset first,
                       Offset end) {
  if (start >= first && start <= end) return Status::Ok();
  const std::string where =
      start < first
          ? "lies before the log's first offset " + std::to_string(first) +
                ": retention has passed it, and messages are lost"
          : "lies after the log's end " + std::to_string(end) +
                ": the topic was deleted and created again, or has lost "
                "messages";
  return Corruption("the group's offset " + std::to_string(start) + " " +
                    where + ". To start at what is there, " +
                    ResetCommand(lane, "keep|wipe"));
}

bool IsUntouched(const CommittedOffset& committed, const Marker& last) {
  return committed.offset == last.next_offset &&
         committed.metadata == MetadataOf(last);
}

}  // namespace tacho
