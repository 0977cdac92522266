#include "pipeline/lane/lane.h"

#include <algorithm>
#include <utility>

#include "pipeline/base/check.h"
#include "pipeline/base/log.h"

namespace tacho {
namespace {

// A job's own pointer, cut for a header.
constexpr size_t kPathBytes = 256;
constexpr uint64_t kEpochBytes = uint64_t{64} << 20;

}  // namespace

Lane::Lane(LaneOptions options, LaneParts parts, const SignalSchema& schema,
           LaneMetrics& metrics, LaneEvents& events, const Clock& clock)
    : options_(std::move(options)),
      epochs_(options_.epochs != nullptr
                  ? options_.epochs
                  : std::make_shared<EpochBudget>(kEpochBytes)),
      schema_(schema),
      clock_(clock),
      metrics_(metrics),
      events_(events),
      reader_(std::move(parts.reader)),
      decoder_(std::move(parts.decoder)),
      store_(std::move(parts.store)),
      state_(*store_, options_.state_bytes),
      vehicle_clock_(options_.time.vehicle_forget),
      originals_({tp().topic, tp().partition, options_.lane.job},
                 options_.reject_bytes),
      reject_log_(tp(), options_.reject_sites),
      account_(*epochs_),
      state_bytes_(options_.state_bytes) {}

Lane::~Lane() = default;

Status Lane::Declare(const std::optional<Marker>& marker) {
  vehicle_clock_.Open(state_);
  RETURN_IF_ERROR(
      streams_.Open(schema_, state_, vehicle_clock_, metrics_, options_.time));
  return state_.OpenTables(marker);
}

std::vector<std::string> Lane::table_names() const {
  std::vector<std::string> names;
  for (const auto& [name, fingerprint] : state_.Fingerprints()) {
    names.push_back(name);
  }
  return names;
}

LaneIdentity Lane::identity() const {
  LaneIdentity identity = options_.lane;
  identity.tables = state_.Fingerprints();
  return identity;
}

Status Lane::Load(const std::optional<Marker>& marker, Offset start) {
  const Status loaded = LoadState(marker, start);
  NoteDamage(loaded);
  return loaded;
}

Status Lane::LoadState(const std::optional<Marker>& marker, Offset start) {
  RETURN_IF_ERROR(state_.Load(marker));
  applied_marker_ = marker;
  if (marker.has_value()) {
    epoch_ = marker->epoch;
    ended_at_ = marker->ended_at;
    changelog_next_ = marker->changelog_next;
    log_id_ = marker->log_id;
    vehicle_clock_.SetPartitionTime(marker->partition_time);
    if (start == marker->next_offset) idle_origin_ = marker->idle_origin;
  }
  idle_since_ = clock_.Steady();
  idle_from_ = vehicle_clock_.partition_time();
  RETURN_IF_ERROR(streams_.Start(vehicle_clock_.partition_time()));
  state_.ReleaseLoaded();
  next_offset_ = start;
  frozen_offset_ = start;
  return Status::Ok();
}

void Lane::Resume(std::unique_ptr<PartitionReader> reader) {
  CHECK(!state_.frozen());
  reader_ = std::move(reader);
  owned_ = true;
  stopped_ = ended_.load();
}

bool Lane::RunTurn(Batch& batch) noexcept {
  if (stopped_ || failed_ || !owned_) return false;
  // A turn that still stood in line for the lane that had this node before.
  if (next_offset_ == kNoOffset) return false;
  if (EpochFull()) {
    events_.OnEpochFull();
    return false;  // The freeze asks for the next turn.
  }
  bool more = false;
  return GoesOn(ProcessTurn(batch, more)) && more && !stopped_;
}

bool Lane::GoesOn(const Status& status) {
  NoteDamage(state_.error());
  if (status.ok()) return true;
  failed_ = true;
  events_.OnLaneFailed(*this,
                       status.With("lane " + tp().ToString() + " offset " +
                                   std::to_string(next_offset_.load())));
  return false;
}

Status Lane::ProcessTurn(Batch& batch, bool& more) {
  // 1. Drain: what the queue holds, up to one batch.
  DrainLimits limits = options_.drain;
  limits.min_offset = next_offset_;
  Drained drained = reader_->Drain(batch, limits);
  if (options_.end_offset != kNoOffset) CutAtEnd(batch, drained);
  if (!batch.empty()) {
    // 2. Decode into columns; bad messages become rejects.
    decoder_->Decode(batch);
    // 3. Operate: every stream over the whole batch.
    RETURN_IF_ERROR(Operate(batch));
    log_time_ = std::max(log_time_, batch.messages.back().log_time);
    idle_since_ = clock_.Steady();
    idle_from_ = vehicle_clock_.partition_time();
    idle_origin_ = kNoTime;
  }
  Count(batch, drained);
  next_offset_ = std::max(next_offset_.load(), drained.next_offset);
  if (options_.end_offset != kNoOffset && !ended_ &&
      next_offset_ >= options_.end_offset) {
    RETURN_IF_ERROR(CloseAtEnd());
  }
  // 4. Memory: clean vehicles go; changed ones ask for a freeze.
  AccountEpoch();
  CountReads();
  state_.set_memory_bytes(state_bytes_.load(std::memory_order_relaxed));
  if (state_.EvictIfOver()) events_.OnEpochFull();
  more = drained.more;
  return drained.error;
}

void Lane::CutAtEnd(Batch& batch, Drained& drained) {
  while (!batch.messages.empty() &&
         batch.messages.back().offset >= options_.end_offset) {
    batch.messages.pop_back();
  }
  while (!batch.unreadable.empty() &&
         batch.unreadable.back().message >= batch.messages.size()) {
    batch.unreadable.pop_back();
  }
  drained.next_offset = std::min(drained.next_offset, options_.end_offset);
  if (drained.next_offset == options_.end_offset) drained.more = false;
}

Status Lane::CloseAtEnd() {
  ended_ = true;
  stopped_ = true;
  if (!options_.close_at_end || ended_at_ != kNoTime) return Status::Ok();
  RETURN_IF_ERROR(AdvanceStreams(kEndOfTime));
  ended_at_ = clock_.Now();
  return Status::Ok();
}

// What comes of it has the next record as its cause, whose outputs follow.
Status Lane::AdvanceStreams(Timestamp partition_time) {
  RETURN_IF_ERROR(streams_.Advance(partition_time, outputs_, epoch_records_));
  commit_required_ = true;
  return Status::Ok();
}

void Lane::AdvanceIdle(const IdleProof& proof) {
  if (stopped_ || failed_ || !owned_) return;
  if (EpochFull()) return events_.OnEpochFull();
  const Timestamp time = IdleTime(proof);
  if (time == vehicle_clock_.partition_time()) return;
  if (idle_origin_ == kNoTime) idle_origin_ = vehicle_clock_.partition_time();
  vehicle_clock_.SetPartitionTime(time);
  if (!GoesOn(AdvanceStreams(time))) return;
  AccountEpoch();
  if (state_.EvictIfOver()) events_.OnEpochFull();
}

// Partition time after an advance on `proof`; as it is, if there is none to be.
// It follows from when the lane went idle, so that it does not matter how often
// the broker is asked. After a restart the last message's log time is not
// known; that its record was no older is the careful guess.
Timestamp Lane::IdleTime(const IdleProof& proof) const {
  const Timestamp time = vehicle_clock_.partition_time();
  if (time == kNoTime || proof.position != next_offset_) return time;
  const auto passed =
      std::chrono::floor<Millis>(proof.asked_at - idle_since_.load());
  if (passed < options_.idle_timeout) return time;
  const Timestamp stamped = log_time_ == kNoLogTime ? idle_from_ : log_time_;
  const Timestamp from =
      std::min(idle_from_, stamped - options_.max_future_skew);
  return std::max(time, from + passed);
}

Status Lane::Operate(Batch& batch) {
  RETURN_IF_ERROR(WriteRejects(batch));
  RETURN_IF_ERROR(state_.InternBatch(batch));
  const Timestamp before = vehicle_clock_.partition_time();
  vehicle_clock_.Observe(batch);
  if (before != kNoTime &&
      vehicle_clock_.partition_time() - before > options_.max_future_skew) {
    NoteTimeJumps(batch, before);
  }
  late_rows_.assign(batch.records(), 0);
  RETURN_IF_ERROR(
      streams_.Process(batch, outputs_, epoch_records_, &late_rows_));
  metrics_.late_records.Add(static_cast<uint64_t>(
      std::count(late_rows_.begin(), late_rows_.end(), 1)));
  reject_log_.Count(batch.messages.size(), batch.rejects.size(),
                    clock_.Steady());
  if (batch.json_keys > 0) reject_log_.NoteJsonKeys(clock_.Steady());
  epoch_records_ += batch.records();
  epoch_messages_ += batch.messages.size();
  ended_at_ = kNoTime;  // There is something to close again.
  return Status::Ok();
}

// Which record did it: others may be late because of it.
void Lane::NoteTimeJumps(const Batch& batch, Timestamp before) {
  for (size_t row = 0; row < batch.records(); ++row) {
    const Timestamp now = batch.partition_time[row];
    const Millis jump = now - std::exchange(before, now);
    if (jump <= options_.max_future_skew) continue;
    metrics_.time_jumps.Add(1);
    const SteadyTime at = clock_.Steady();
    if (jump_logged_ && at - *jump_logged_ < RejectLog::kInterval) continue;
    jump_logged_ = at;
    std::string vehicle;
    AppendSample(batch.vehicle_id[row], vehicle);
    LOG(kWarn, "time_jump",
        {{"topic", tp().topic},
         {"partition", tp().partition},
         {"offset", batch.messages[batch.message_index[row]].offset},
         {"vehicle", vehicle},
         {"seconds",
          std::chrono::duration_cast<std::chrono::seconds>(jump).count()},
         {"jumps", metrics_.time_jumps.value()},
         {"why",
          "partition time has moved on by more than max_future_skew: "
          "records of others may be late"}});
  }
}

Status Lane::WriteRejects(const Batch& batch) {
  size_t row = 0;  // Accepted rows before the reject give it its place.
  for (const Reject& reject : batch.rejects) {
    const Message& message = batch.messages[reject.message];
    Describe(batch, reject);
    if (options_.fail_on_reject) {
      return Status(StatusCode::kCorruption,
                    "message at offset " + std::to_string(message.offset) +
                        " refused: " + RejectReasonName(reject.reason) +
                        (reject.at.path.empty() ? "" : " at ") +
                        std::string(reject.at.path) + ": " + reject_detail_ +
                        " (rejects: fail); repair the producer, or set "
                        "rejects: {topic: NAME}");
    }
    while (row < batch.records() && batch.message_index[row] < reject.message) {
      ++row;
    }
    metrics_.rejects[static_cast<size_t>(reject.reason)].Add(1);
    metrics_.rejected_at.Add(reject.at.site);
    reject_log_.Note(reject, message.offset, reject_detail_, clock_.Steady());
    if (options_.reject_sink) WriteReject(batch, reject, epoch_records_ + row);
  }
  return Status::Ok();
}

void Lane::Describe(const Batch& batch, const Reject& reject) {
  reject_detail_.clear();
  if (reject.reason != RejectReason::kUnreadable) {
    return DescribeFound(reject.at, reject_detail_);
  }
  for (const Unreadable& stretch : batch.unreadable) {
    if (stretch.message == reject.message) reject_detail_ = stretch.reason;
  }
}

void Lane::WriteReject(const Batch& batch, const Reject& reject,
                       uint64_t cause) {
  const Message& message = batch.messages[reject.message];
  originals_.Begin();
  originals_.Add("tacho.reason", RejectReasonName(reject.reason));
  if (!reject.at.path.empty()) {
    originals_.Add("tacho.path", reject.at.path.substr(0, kPathBytes));
  }
  originals_.Add("tacho.detail", reject_detail_);
  for (const Unreadable& stretch : batch.unreadable) {
    if (stretch.message != reject.message) continue;
    originals_.Add("tacho.last_offset", stretch.end - 1);
  }
  originals_.Write(outputs_, *options_.reject_sink, cause, message);
}

void Lane::Count(const Batch& batch, const Drained& drained) {
  metrics_.repeated.Add(drained.repeated);
  if (batch.empty()) return;
  metrics_.skipped.Add(batch.skipped);
  metrics_.invalid_values.Add(batch.invalid_values);
  metrics_.messages.Add(batch.messages.size());
  metrics_.message_bytes.Add(batch.bytes());
  metrics_.records.Add(batch.records());
  metrics_.batches.Add(1);
}

// Streams run one after the other over a batch; where two write to one topic
// their outputs are put in the order of what caused them, so that the order
// does not depend on where batches ended.
void Lane::MergeOutputs() {
  std::vector<OutputRecord>& records = outputs_.records();
  std::stable_sort(records.begin(), records.end(),
                   [](const OutputRecord& a, const OutputRecord& b) {
                     return a.cause < b.cause;
                   });
}

bool Lane::EpochFull() const {
  return epoch_messages_ >= options_.epoch_messages || epochs_->Full();
}

void Lane::CountReads() {
  const uint64_t reads = state_.TakeReads();
  if (reads == 0) return;
  metrics_.state_reads.Add(reads);
  wanted_state_bytes_ = state_.wanted_bytes();
}

void Lane::AccountEpoch() {
  account_.SetBuilding(outputs_.used_bytes() + state_.changed_bytes());
}

LaneEpoch& Lane::Freeze() {
  frozen_.tp = tp();
  const Offset next = next_offset_;
  frozen_.changed = !failed_ && (next != frozen_offset_ || commit_required_ ||
                                 !outputs_.empty());
  if (!frozen_.changed) {
    // Nothing comes of this lane now: the room that it has kept is for others.
    frozen_.Clear();
    frozen_.outputs = OutputBuffer();
    frozen_.changes = StateChanges();
    if (outputs_.empty()) outputs_ = OutputBuffer();
    return frozen_;
  }
  if (options_.merge_outputs) MergeOutputs();
  state_.Freeze(frozen_.changes);
  std::swap(frozen_.outputs, outputs_);  // Which Applied has emptied.
  AccountEpoch();
  account_.SetLeaving(frozen_.used_bytes());
  frozen_.messages = epoch_messages_;
  Marker& marker = frozen_.marker;
  marker.lane = identity();
  marker.epoch = ++epoch_;
  marker.writer_id = options_.writer_id;
  marker.next_offset = next;
  marker.partition_time = vehicle_clock_.partition_time();
  marker.idle_origin = idle_origin_;
  marker.ended_at = ended_at_;
  if (options_.lane.guarantee == Guarantee::kExactlyOnce &&
      (log_id_ == 0 || begins_log_)) {
    log_id_ = DrawLogId();
    frozen_.begins_log = true;
    begins_log_ = false;
  }
  marker.log_id = log_id_;
  // Unless the transaction learns better from its delivery reports.
  marker.changelog_next = changelog_next_;
  marker.wall_time = clock_.Now();
  marker.job_digest = options_.job_digest;
  marker.published = next;  // State and results move together.
  frozen_offset_ = next;
  epoch_messages_ = 0;
  epoch_records_ = 0;
  commit_required_ = false;
  return frozen_;
}

void Lane::Applied() {
  state_.Applied();
  changelog_next_ = frozen_.marker.changelog_next;
  applied_marker_ = frozen_.marker;
  frozen_.Clear();
  account_.SetLeaving(frozen_.used_bytes());
}

Status Lane::Apply(const LaneEpoch& part) {
  if (!owned_) return Status::Ok();  // Detached: another worker's business.
  const Status applied = store_->Apply(part.changes, part.marker);
  NoteDamage(applied);
  return applied;
}

// Only ever set: the commit thread finds damage while turns that know nothing
// of it go well.
void Lane::NoteDamage(const Status& status) {
  if (status.code() == StatusCode::kCorruption) store_corrupt_ = true;
}

Status Lane::Close() {
  streams_.Close();
  return store_->Close();
}

}  // namespace tacho
