#include "pipeline/job/lane_opening.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "pipeline/base/check.h"
#include "pipeline/base/fail_point.h"
#include "pipeline/base/log.h"

namespace tacho {
namespace {

// Short: what fails is tried again, and a revoke waits for the step in hand.
constexpr Millis kRequestTimeout{2000};
constexpr Millis kCommitOffsetsTimeout{5000};

}  // namespace

LaneOpening::LaneOpening(OpenRequest request, OpeningContext& context)
    : request_(std::move(request)), context_(context) {
  identity_.tp = request_.spec.tp;
  identity_.job = context_.job.name;
  identity_.group = context_.job.group.id;
  identity_.guarantee = context_.job.guarantee;
  identity_.input_partitions = request_.spec.input_partitions;
  identity_.partitions_may_change =
      context_.job.partitions_added == PartitionsAdded::kContinue;
  identity_.cluster_id = context_.cluster_id;
}

LaneOpening::~LaneOpening() {
  std::vector<std::unique_ptr<Lane>> lanes;
  GiveUp(lanes);
  CloseLanes(std::move(lanes));
}

void LaneOpening::GiveUp(std::vector<std::unique_ptr<Lane>>& lanes) {
  restorer_.reset();  // It writes to the lane's store.
  if (lane_ != nullptr) lanes.push_back(std::move(lane_));
  if (request_.suspended != nullptr) {
    lanes.push_back(std::move(request_.suspended));
  }
  if (store_ != nullptr) (void)store_->Close().ok();
  store_.reset();
}

void LaneOpening::SetCommitted(const PartitionOffset& committed) {
  committed_.offset = committed.offset;
  committed_.metadata = ParseOffsetMetadata(committed.metadata);
  phase_ = Phase::kGeneration;
  FAIL_POINT("takeover.after_committed");
}

// Which of the topic's changelogs is the group's. The offset says it. One that
// is missing says nothing: it may have expired, or a coordinator that is just
// moving may not know it, and taking that for generation 0 would bring back
// state that an operator has wiped.
Status LaneOpening::FindGeneration() {
  int64_t generation = 0;
  if (committed_.metadata.has_value()) {
    generation = committed_.metadata->generation;
  } else if (exactly_once()) {
    ASSIGN_OR_RETURN(const auto others, CommittedOfTopic());
    bool known = false;
    for (const PartitionOffset& o : others) {
      const auto metadata = ParseOffsetMetadata(o.metadata);
      if (!metadata.has_value()) continue;
      known = true;
      generation = std::max(generation, metadata->generation);
    }
    if (!known) {
      ASSIGN_OR_RETURN(generation, context_.changelog->NewestGeneration(
                                       tp().topic, identity_.input_partitions,
                                       kRequestTimeout));
    }
  }
  identity_.generation = generation;
  request_.spec.reset_generation = generation;
  request_.spec.cluster_id = context_.cluster_id;
  phase_ = Phase::kBase;
  return Status::Ok();
}

Result<std::vector<PartitionOffset>> LaneOpening::CommittedOfTopic() {
  std::vector<TopicPartition> all;
  for (int32_t p = 0; p < identity_.input_partitions; ++p) {
    all.push_back({tp().topic, p});
  }
  return context_.source.Committed(all, kRequestTimeout);
}

Result<bool> LaneOpening::Step() {
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
    case Phase::kStart:
      RETURN_IF_ERROR(DecideStartAndState());
      phase_ = Phase::kSeek;
      return true;
    case Phase::kSeek:
      RETURN_IF_ERROR(context_.source.Seek(tp(), opened_.start));
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

OpenedLane LaneOpening::Take() {
  CHECK(done());
  opened_.lane = std::move(lane_);
  opened_.ticket = request_.ticket;
  return std::move(opened_);
}

std::optional<Restorer::Progress> LaneOpening::progress() const {
  if (phase_ != Phase::kReplay || restorer_ == nullptr) return std::nullopt;
  return restorer_->progress();
}

// ---- The base.

Status LaneOpening::FindBase() {
  if (request_.suspended != nullptr) {
    const std::optional<Marker>& last = request_.suspended->applied_marker();
    if (last.has_value() && IsUntouched(committed_, *last)) {
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

void LaneOpening::CloseSuspended() {
  std::vector<std::unique_ptr<Lane>> lanes;
  lanes.push_back(std::move(request_.suspended));
  CloseLanes(std::move(lanes));
}

// At least once: the state that this host has, or none.
Status LaneOpening::FindLocalBase() {
  RETURN_IF_ERROR(OpenStore());
  if (marker_.has_value()) RETURN_IF_ERROR(CheckIdentity(identity_, *marker_));
  const StartDecision decision = DecideLocalStart(committed_, marker_);
  if (!decision.use_state && marker_.has_value()) {
    LOG(kWarn, "local_state_not_used",
        {{"topic", tp().topic},
         {"partition", tp().partition},
         {"committed", committed_.offset},
         {"state", marker_->next_offset}});
    return WipeStore();  // And once more: a dead sibling may have left a copy.
  }
  if (decision.state_not_moved) {
    LOG(kWarn, "state_not_moved",
        {{"topic", tp().topic},
         {"partition", tp().partition},
         {"committed", committed_.offset}});
    context_.counters.CountStateNotMoved();
  }
  opened_.start = decision.start;
  opened_.recommit = decision.recommit;
  opened_.marker = marker_;
  RETURN_IF_ERROR(MakeLane(marker_));
  phase_ = Phase::kStart;
  return Status::Ok();
}

// Exactly once: what this host has, if the changelog can bring it up to date.
Status LaneOpening::FindRestoreBase() {
  ASSIGN_OR_RETURN(const ChangelogExtent extent, Extent());
  RETURN_IF_ERROR(OpenStore());
  // Of another generation: on its way out, whatever it was.
  if (marker_.has_value() &&
      marker_->reset_generation == identity_.generation) {
    RETURN_IF_ERROR(CheckIdentity(identity_, *marker_));
  }
  const RestoreBase base =
      ChooseBase(identity_, marker_, extent, context_.clock.Now());
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
  if (!base.use_local && marker_.has_value()) {
    return WipeStore();  // And once more: a dead sibling may have left a copy.
  }
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

Result<ChangelogExtent> LaneOpening::Extent() {
  Changelog& changelog = *context_.changelog;
  const std::string& topic = tp().topic;
  RETURN_IF_ERROR(changelog.Prepare(topic, identity_.input_partitions,
                                    identity_.generation, kRequestTimeout));
  ASSIGN_OR_RETURN(const auto range, changelog.Range(tp(), identity_.generation,
                                                     kRequestTimeout));
  return ChangelogExtent{
      range.first, range.second,
      changelog.delete_retention(topic, identity_.generation)};
}

Status LaneOpening::OpenStore() {
  if (store_ != nullptr) return Status::Ok();
  if (request_.discard_local) {
    RETURN_IF_ERROR(context_.stores.Remove(tp()));
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
  if (status.code() != StatusCode::kCorruption || !exactly_once()) {
    return status;
  }
  LOG(kError, "local_state_corrupt",
      {{"topic", tp().topic},
       {"partition", tp().partition},
       {"reason", status.message()}});
  RETURN_IF_ERROR(WipeStore());
  return OpenStore();  // Each time there is one copy less.
}

Status LaneOpening::WipeStore() {
  // What a damaged store says while it closes changes nothing.
  if (store_ != nullptr) (void)store_->Close().ok();
  store_.reset();
  marker_.reset();
  return context_.stores.Remove(tp());
}

Status LaneOpening::MakeLane(const std::optional<Marker>& marker) {
  ASSIGN_OR_RETURN(
      lane_, context_.factory.Make(request_.spec, std::move(request_.reader),
                                   std::move(store_)));
  // A restore that was cut short has not checked what it found yet.
  const bool complete = marker.has_value() && !marker->restoring;
  const Status declared = lane_->Declare(complete ? marker : std::nullopt);
  // The lane has the reader and the store now: this step is not done twice.
  return {declared.code(), declared.message(), /*retryable=*/false};
}

// ---- Replay.

Status LaneOpening::OpenLog() {
  ASSIGN_OR_RETURN(auto reader, context_.changelog->Open(
                                    tp(), identity_.generation, replay_from_));
  Restorer::Spec spec;
  spec.tp = tp();
  spec.group = identity_.group;
  spec.names = lane_->table_names();
  spec.end = replay_to_;
  if (marker_.has_value()) {
    spec.base = *marker_;
  } else {
    spec.base.job = identity_.job;
    spec.base.guarantee = identity_.guarantee;
    spec.base.input_partitions = identity_.input_partitions;
    spec.base.reset_generation = identity_.generation;
    spec.base.cluster_id = identity_.cluster_id;
  }
  spec.delete_retention = delete_retention_;
  restorer_ = std::make_unique<Restorer>(lane_->store(), std::move(reader),
                                         std::move(spec), context_.clock);
  phase_ = Phase::kReplay;
  return Status::Ok();
}

Result<bool> LaneOpening::Replay() {
  const Result<bool> progressed = restorer_->Step();
  FAIL_POINT("restore.after_step");
  if (progressed.status().code() == StatusCode::kCorruption &&
      marker_.has_value()) {
    RETURN_IF_ERROR(RestartWithoutBase(progressed.status()));
    return true;
  }
  RETURN_IF_ERROR(progressed.status());
  if (!restorer_->done()) return *progressed;
  marker_ = restorer_->marker();
  restorer_.reset();
  phase_ = Phase::kStart;
  return true;
}

Status LaneOpening::RestartWithoutBase(const Status& reason) {
  LOG(kError, "local_state_corrupt",
      {{"topic", tp().topic},
       {"partition", tp().partition},
       {"reason", reason.message()}});
  restorer_.reset();
  (void)lane_->Close().ok();
  lane_.reset();
  marker_.reset();
  request_.reader = context_.source.MakeReader(tp());
  request_.discard_local = true;
  phase_ = Phase::kBase;
  return Status::Ok();
}

// ---- The start.

Status LaneOpening::DecideStartAndState() {
  if (exactly_once()) {
    if (marker_.has_value()) {
      RETURN_IF_ERROR(CheckIdentity(identity_, *marker_));
    }
    ASSIGN_OR_RETURN(const StartDecision decision,
                     DecideStart(identity_, committed_, marker_));
    opened_.start = decision.start;
    opened_.recommit = decision.recommit;
    opened_.marker = decision.use_state ? marker_ : std::nullopt;
  }
  if (opened_.start == kNoOffset) {
    ASSIGN_OR_RETURN(opened_.start, ResolveStart());
    return Status::Ok();
  }
  ASSIGN_OR_RETURN(const auto range,
                   context_.source.LogRange(tp(), kRequestTimeout));
  return CheckStartInLog(identity_, opened_.start, range.first, range.second);
}

// Nobody has said where to start: the policy does, and what it says is
// committed before the first record, so that a crash from here on starts at
// the same place. `latest` is said once, by the owner of the topic's first
// partition, for every partition that is there when the group begins: so one
// that has no offset while the first has one appeared later, and holds nothing
// that the group has chosen to skip. From the beginning is the same for both.
Result<Offset> LaneOpening::ResolveStart() {
  // At least once it also goes into the marker: otherwise a lane that had
  // nothing to read yet would look like one whose state stayed elsewhere.
  opened_.recommit = true;
  const OffsetReset policy = context_.job.group.offset_reset;
  if (policy == OffsetReset::kEarliest) return CommitStarts({{tp()}}, false);
  ASSIGN_OR_RETURN(const auto known, CommittedOfTopic());
  const auto of = [&](int32_t partition) {
    return *std::find_if(known.begin(), known.end(), [&](const auto& o) {
      return o.tp.partition == partition;
    });
  };
  // Meanwhile, by the owner of the first.
  const Offset own = of(tp().partition).offset;
  if (own != kNoOffset) return own;
  const bool begun = std::any_of(known.begin(), known.end(), [](const auto& o) {
    return o.offset != kNoOffset;
  });
  if (tp().partition == 0) {
    if (begun || policy == OffsetReset::kLatest) {
      return CommitStarts(known, /*at_end=*/!begun);
    }
  } else if (of(0).offset != kNoOffset) {
    return CommitStarts({{tp()}}, false);
  } else if (policy == OffsetReset::kLatest) {
    waits_for_owner_ = true;
    return Status(StatusCode::kUnavailable,
                  "the owner of " + TopicPartition{tp().topic, 0}.ToString() +
                      " has not committed yet where group " + identity_.group +
                      " starts",
                  /*retryable=*/true);
  }
  return InvalidArgument(
      "group " + identity_.group + " has no committed offset for " +
      tp().ToString() +
      " and group.offset_reset is none; set it to earliest or latest, or "
      "set the group's offsets: tacho offsets reset JOB.yaml --to ...");
}

// Of all partitions in `known` that have no offset; returns our own.
Result<Offset> LaneOpening::CommitStarts(
    const std::vector<PartitionOffset>& known, bool at_end) {
  OffsetMetadata metadata;
  metadata.generation = identity_.generation;
  Offset start = kNoOffset;
  std::vector<PartitionOffset> starts;
  for (const PartitionOffset& o : known) {
    if (o.offset != kNoOffset) continue;
    ASSIGN_OR_RETURN(const auto range,
                     context_.source.LogRange(o.tp, kRequestTimeout));
    const Offset offset = at_end ? range.second : range.first;
    starts.push_back({o.tp, offset, FormatOffsetMetadata(metadata)});
    if (o.tp == tp()) start = offset;
  }
  CHECK(start != kNoOffset);
  RETURN_IF_ERROR(context_.source.CommitOffsets(starts, kCommitOffsetsTimeout));
  return start;
}

}  // namespace tacho
