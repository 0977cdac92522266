#include "pipeline/worker/lane_take_over.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "pipeline/base/check.h"
#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"
#include "pipeline/worker/start_policy.h"

namespace tacho {
namespace {

// Short: what fails is tried again, and a revoke waits for the step in hand.
constexpr Millis kRequestTimeout{2000};
constexpr char kDamagedChangelog[] =
    "; the changelog is damaged. Stop the group, and where a host has a copy "
    "of the state that is what the group has committed, write the changelog "
    "anew "
    "from it: tacho offsets rebuild-changelog JOB.yaml. Or start with empty "
    "state: tacho offsets reset JOB.yaml --to OFFSET --state wipe";

}  // namespace

LaneTakeOver::LaneTakeOver(TakeOverRequest request, TakeOverContext& context)
    : request_(std::move(request)), context_(context) {}

LaneTakeOver::~LaneTakeOver() {
  std::vector<std::unique_ptr<Lane>> lanes;
  GiveUp(lanes);
  CloseLanes(std::move(lanes));
}

void LaneTakeOver::GiveUp(std::vector<std::unique_ptr<Lane>>& lanes) {
  restorer_.reset();  // It writes to the lane's store.
  if (lane_ != nullptr) lanes.push_back(std::move(lane_));
  if (request_.suspended != nullptr) {
    lanes.push_back(std::move(request_.suspended));
  }
  if (store_ != nullptr) (void)store_->Close().ok();
  store_.reset();
}

void LaneTakeOver::SetCommitted(const PartitionOffset& committed) {
  committed_.offset = committed.offset;
  committed_.metadata = ParseOffsetMetadata(committed.metadata);
  phase_ = Phase::kGeneration;
  FAIL_POINT("takeover.after_committed");
}

// Which of the topic's changelogs is the group's. The offset says it. One that
// is missing says nothing: it may have expired, or a coordinator that is just
// moving may not know it, and taking that for generation 0 would bring back
// state that an operator has wiped.
Status LaneTakeOver::FindGeneration() {
  int64_t generation = 0;
  if (committed_.metadata.has_value()) {
    RETURN_IF_ERROR(
        CheckMetadata(identity().group, identity().job, *committed_.metadata));
    generation = committed_.metadata->generation;
  } else if (const auto found = context_.generations.find(tp().topic);
             found != context_.generations.end()) {
    generation = found->second;
  } else if (exactly_once()) {
    ASSIGN_OR_RETURN(const auto others,
                     CommittedOfTopic(context_.log, tp().topic,
                                      identity().input_partitions));
    bool known = false;
    for (const PartitionOffset& o : others) {
      const auto metadata = ParseOffsetMetadata(o.metadata);
      if (!metadata.has_value()) continue;
      RETURN_IF_ERROR(
          CheckMetadata(identity().group, identity().job, *metadata));
      known = true;
      generation = std::max(generation, metadata->generation);
    }
    if (!known) {
      ASSIGN_OR_RETURN(generation, context_.changelog->NewestGeneration(
                                       tp().topic, identity().input_partitions,
                                       kRequestTimeout));
    }
    context_.generations[tp().topic] = generation;
  }
  request_.spec.lane.reset_generation = generation;
  phase_ = Phase::kBase;
  return Status::Ok();
}

Result<std::optional<TransactionHold>> LaneTakeOver::Hold() {
  switch (phase_) {
    case Phase::kCommitted:
      return context_.log.OffsetHold({tp()}, kRequestTimeout);
    case Phase::kGeneration:
    case Phase::kStart:  // They ask for those of the whole topic.
      return context_.log.OffsetHold(
          PartitionsOf(tp().topic, identity().input_partitions),
          kRequestTimeout);
    case Phase::kReplay:
      return context_.changelog->Hold(tp(), identity().reset_generation,
                                      replay_to_, kRequestTimeout);
    default:
      return std::optional<TransactionHold>();
  }
}

Result<bool> LaneTakeOver::Step() {
  switch (phase_) {
    case Phase::kGeneration:
      RETURN_IF_ERROR(FindGeneration());
      return true;
    case Phase::kBase:
      RETURN_IF_ERROR(FindBase());
      return true;
    case Phase::kOpenLog:
      RETURN_IF_ERROR(OpenLog());
      return true;
    case Phase::kReplay:
      return Replay();
    case Phase::kStart: {
      const Status decided = DecideStartAndState();
      if (decided.code() == StatusCode::kCorruption && exactly_once()) {
        RETURN_IF_ERROR(LookAgain(decided));
        return true;
      }
      RETURN_IF_ERROR(decided);
      phase_ = Phase::kSeek;
      return true;
    }
    case Phase::kSeek:
      RETURN_IF_ERROR(context_.member.Seek(tp(), opened_.start));
      FAIL_POINT("takeover.ready");
      phase_ = Phase::kDone;
      return true;
    case Phase::kCommitted:
    case Phase::kDone:
      break;
  }
  CHECK(false);
  return false;
}

TakenOverLane LaneTakeOver::Take() {
  CHECK(done());
  opened_.lane = std::move(lane_);
  opened_.ticket = request_.ticket;
  return std::move(opened_);
}

std::optional<Restorer::Progress> LaneTakeOver::progress() const {
  if (phase_ != Phase::kReplay || restorer_ == nullptr) return std::nullopt;
  return restorer_->progress();
}

// ---- The base.

Status LaneTakeOver::FindBase() {
  if (request_.suspended != nullptr) {
    const std::optional<Marker>& last = request_.suspended->applied_marker();
    if (last.has_value() && IsUntouched(committed_, *last) &&
        last->lane.input_partitions == identity().input_partitions) {
      lane_ = std::move(request_.suspended);
      lane_->Resume(std::move(request_.reader));
      opened_.loaded = true;
      opened_.start = lane_->next_offset();
      LOG(kInfo, "lane_resumed",
          {{"topic", tp().topic}, {"partition", tp().partition}});
      phase_ = Phase::kSeek;
      return Status::Ok();
    }
    CloseSuspended();
  }
  return exactly_once() ? FindRestoreBase() : FindLocalBase();
}

void LaneTakeOver::CloseSuspended() {
  std::vector<std::unique_ptr<Lane>> lanes;
  lanes.push_back(std::move(request_.suspended));
  CloseLanes(std::move(lanes));
}

// At least once: the state that this host has, or none.
Status LaneTakeOver::FindLocalBase() {
  RETURN_IF_ERROR(OpenStore());
  if (marker_.has_value()) {
    RETURN_IF_ERROR(CheckFound(*marker_, FoundIn::kDirectory));
  }
  const StartDecision decision = DecideLocalStart(committed_, marker_);
  if (!decision.use_state && marker_.has_value()) {
    LOG(kWarn, "local_state_not_used",
        {{"topic", tp().topic},
         {"partition", tp().partition},
         {"committed", committed_.offset},
         {"state", marker_->next_offset}});
    // And once more: a dead sibling may have left a copy.
    return QuarantineStore("superseded");
  }
  if (decision.state_not_moved) {
    LOG(kWarn, "state_not_moved",
        {{"topic", tp().topic},
         {"partition", tp().partition},
         {"committed", committed_.offset},
         {"reason",
          "another host went on from the state that is here, or nothing is "
          "here; under at_least_once_local state does not follow a partition: "
          "it starts with empty windows"}});
    context_.counters.Of(tp()).state_not_moved.Add(1);
  }
  opened_.start = decision.start;
  opened_.recommit = decision.recommit;
  opened_.marker = marker_;
  RETURN_IF_ERROR(MakeLane(marker_));
  phase_ = Phase::kStart;
  return Status::Ok();
}

// What was found must be ours to be used, or to be put away.
Status LaneTakeOver::CheckFound(const Marker& marker, FoundIn where) const {
  const bool told = committed_.metadata.has_value();
  const bool kept =
      told && !exactly_once() &&
      committed_.metadata->origin == OffsetMetadata::Origin::kResetKeep;
  for (const LaneDifference& difference :
       CompareLanes(identity(), marker.lane, where)) {
    switch (difference.field) {
      case LaneField::kVersion:
        // The group has gone on without it, or a reset has ended it.
        if (told && !kept) return Status::Ok();
        break;
      case LaneField::kGeneration:
        // A reset has ended it: on its way out, whatever it was, unless the
        // reset keeps it.
        if (!kept) return Status::Ok();
        continue;
      case LaneField::kPartitionCount:
        if (partitions_may_change()) continue;
        break;
      case LaneField::kTables:  // Compared when the lane has declared them.
        continue;
      default:
        break;
    }
    return difference.status;
  }
  return Status::Ok();
}

// Exactly once: what this host has, if the changelog can bring it up to date.
Status LaneTakeOver::FindRestoreBase() {
  ASSIGN_OR_RETURN(const ChangelogExtent extent, Extent());
  RETURN_IF_ERROR(OpenStore());
  if (marker_.has_value()) {
    RETURN_IF_ERROR(CheckFound(*marker_, FoundIn::kDirectory));
  }
  const RestoreBase base =
      ChooseBase(identity(), marker_, extent, context_.clock.Now());
  if (base.alarm) {
    LOG(kError, "changelog_lost_records",
        {{"topic", tp().topic},
         {"partition", tp().partition},
         {"reason", base.why_not}});
  } else if (!base.why_not.empty()) {
    LOG(kWarn, "local_state_not_used",
        {{"topic", tp().topic},
         {"partition", tp().partition},
         {"reason", base.why_not}});
  }
  RETURN_IF_ERROR(CheckWhole(identity(), committed_, marker_, base, extent));
  if (base.use_local && extent.start > 0) {
    LOG(kError, "changelog_head_lost",
        {{"topic", tp().topic},
         {"partition", tp().partition},
         {"changelog_start", extent.start},
         {"reason",
          "records at the changelog's head were deleted: only this host's copy "
          "of the state is whole. Stop the group and run here: tacho offsets "
          "rebuild-changelog JOB.yaml"}});
  }
  if (!base.use_local && marker_.has_value()) {
    // And once more: a dead sibling may have left a copy.
    return QuarantineStore("superseded");
  }
  base_epoch_.reset();
  if (marker_.has_value()) base_epoch_ = marker_->epoch;
  FAIL_POINT("takeover.after_base");
  RETURN_IF_ERROR(MakeLane(marker_));
  replay_from_ = base.replay_from;
  replay_to_ = extent.end;
  delete_retention_ = extent.delete_retention;
  // What a restore has left unfinished is not whole, though nothing follows it.
  const bool replay =
      replay_to_ > replay_from_ || (marker_.has_value() && marker_->restoring);
  phase_ = replay ? Phase::kOpenLog : Phase::kStart;
  return Status::Ok();
}

Result<ChangelogExtent> LaneTakeOver::Extent() {
  Changelog& changelog = *context_.changelog;
  const std::string& topic = tp().topic;
  RETURN_IF_ERROR(changelog.Prepare(topic, identity().input_partitions,
                                    identity().reset_generation,
                                    kRequestTimeout));
  ASSIGN_OR_RETURN(
      const auto range,
      changelog.Range(tp(), identity().reset_generation, kRequestTimeout));
  return ChangelogExtent{
      range.first, range.second,
      changelog.delete_retention(topic, identity().reset_generation)};
}

Status LaneTakeOver::OpenStore() {
  if (store_ != nullptr) return Status::Ok();
  if (request_.discard_local) {
    RETURN_IF_ERROR(context_.stores.Quarantine(tp(), "corrupt"));
    request_.discard_local = false;
  }
  auto store = context_.stores.Open(tp());
  Status status = store.status();
  if (store.ok()) {
    store_ = *std::move(store);
    auto marker = store_->ReadMarker();
    status = marker.status();
    if (marker.ok()) marker_ = *std::move(marker);
  }
  // Only where the changelog has everything; else the state would be lost.
  if (status.code() != StatusCode::kCorruption) return status;
  if (!exactly_once()) {
    return Corruption(
        status.message() +
        "; without a changelog this is the only copy: to start "
        "the partition with empty state, move its directory away");
  }
  LOG(kError, "local_state_corrupt",
      {{"topic", tp().topic},
       {"partition", tp().partition},
       {"reason", status.message()}});
  RETURN_IF_ERROR(QuarantineStore("corrupt"));
  return OpenStore();  // Each time there is one copy less.
}

Status LaneTakeOver::QuarantineStore(const std::string& why) {
  // What a damaged store says while it closes changes nothing.
  if (store_ != nullptr) (void)store_->Close().ok();
  store_.reset();
  marker_.reset();
  return context_.stores.Quarantine(tp(), why);
}

Status LaneTakeOver::MakeLane(const std::optional<Marker>& marker) {
  ASSIGN_OR_RETURN(
      lane_, context_.factory.Make(request_.spec, std::move(request_.reader),
                                   std::move(store_)));
  // A restore that was cut short has not checked what it found yet.
  const bool complete = marker.has_value() && !marker->restoring;
  const Status declared = lane_->Declare(complete ? marker : std::nullopt);
  if (declared.ok()) context_.tables = lane_->table_names();
  // The lane has the reader and the store now: this step is not done twice.
  return {declared.code(), declared.message(), /*retryable=*/false};
}

// ---- Replay.

Status LaneTakeOver::OpenLog() {
  ASSIGN_OR_RETURN(auto reader,
                   context_.changelog->Open(tp(), identity().reset_generation,
                                            replay_from_));
  Restorer::Spec spec;
  spec.lane = lane_->identity();
  spec.names = lane_->table_names();
  spec.base = marker_.value_or(Marker());
  spec.end = replay_to_;
  spec.delete_retention = delete_retention_;
  spec.check = [lane = lane_.get()](TableId table, std::string_view key,
                                    std::string_view value) {
    return lane->CheckEntry(table, key, value);
  };
  restorer_ = std::make_unique<Restorer>(lane_->store(), std::move(reader),
                                         std::move(spec), context_.clock);
  phase_ = Phase::kReplay;
  return Status::Ok();
}

Result<bool> LaneTakeOver::Replay() {
  const Result<bool> progressed = restorer_->Step();
  FAIL_POINT("restore.after_step");
  if (progressed.status().code() == StatusCode::kCorruption &&
      marker_.has_value()) {
    RETURN_IF_ERROR(RestartWithoutBase(progressed.status()));
    return true;
  }
  if (progressed.status().code() == StatusCode::kCorruption) {
    return Corruption(progressed.status().message() + kDamagedChangelog);
  }
  RETURN_IF_ERROR(progressed.status());
  if (!restorer_->done()) return *progressed;
  marker_ = restorer_->marker();
  restorer_.reset();
  phase_ = Phase::kStart;
  return true;
}

Status LaneTakeOver::RestartWithoutBase(const Status& reason) {
  LOG(kError, "local_state_corrupt",
      {{"topic", tp().topic},
       {"partition", tp().partition},
       {"reason", reason.message()}});
  DropLane();
  request_.discard_local = true;
  phase_ = Phase::kBase;
  return Status::Ok();
}

void LaneTakeOver::DropLane() {
  restorer_.reset();
  (void)lane_->Close().ok();
  lane_.reset();
  marker_.reset();
  request_.reader = context_.member.MakeReader(tp());
}

// A take-over that took its time may be stale: its successor has committed
// since the group's offset was asked for.
Status LaneTakeOver::LookAgain(const Status& contradiction) {
  if (!std::exchange(looked_again_, true)) {
    LOG(kWarn, "take_over_again",
        {{"topic", tp().topic},
         {"partition", tp().partition},
         {"reason", contradiction.message()}});
    DropLane();
    phase_ = Phase::kCommitted;
    return Status::Ok();
  }
  // Nothing of the log was read that names it: the base may be another one's.
  const bool only_base = marker_.has_value() && base_epoch_.has_value() &&
                         marker_->epoch == *base_epoch_;
  if (only_base && IsBehind(committed_, *marker_)) {
    return RestartWithoutBase(contradiction);
  }
  return contradiction;
}

// ---- The start.

Status LaneTakeOver::DecideStartAndState() {
  if (exactly_once()) {
    if (marker_.has_value()) {
      RETURN_IF_ERROR(CheckFound(*marker_, FoundIn::kChangelog));
    }
    ASSIGN_OR_RETURN(const StartDecision decision,
                     DecideStart(identity(), committed_, marker_));
    opened_.start = decision.start;
    opened_.recommit = decision.recommit;
    opened_.begins_log = decision.begins_log;
    opened_.marker = decision.use_state ? marker_ : std::nullopt;
  }
  if (opened_.start == kNoOffset) {
    // At least once it also goes into the marker: otherwise a lane that had
    // nothing to read yet would look like one whose state stayed elsewhere.
    opened_.recommit = true;
    StartPolicy policy(context_.job.group.offset_reset, identity(),
                       context_.member, context_.log);
    const Result<Offset> start = policy.Resolve();
    waits_for_owner_ = policy.waits_for_owner();
    ASSIGN_OR_RETURN(opened_.start, start);
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const auto range,
                   context_.log.LogRange(tp(), kRequestTimeout));
  return CheckStartInLog(identity(), opened_.start, range.first, range.second);
}

}  // namespace tacho
