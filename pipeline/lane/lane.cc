#include "pipeline/lane/lane.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "pipeline/base/check.h"

namespace tacho {
namespace {

// Text of an integer without allocating.
class IntText {
 public:
  explicit IntText(int64_t value) {
    end_ = std::to_chars(text_, text_ + sizeof text_, value).ptr;
  }
  std::string_view view() const {
    return {text_, static_cast<size_t>(end_ - text_)};
  }

 private:
  char text_[24];
  char* end_;
};

}  // namespace

Lane::Lane(LaneOptions options, LaneParts parts, const SignalSchema& schema,
           LaneMetrics& metrics, LaneEvents& events, const Clock& clock)
    : options_(std::move(options)),
      schema_(schema),
      clock_(clock),
      metrics_(metrics),
      events_(events),
      reader_(std::move(parts.reader)),
      decoder_(std::move(parts.decoder)),
      store_(std::move(parts.store)),
      state_(*store_, options_.state_bytes),
      vehicle_clock_(options_.time.vehicle_forget),
      epoch_bytes_(options_.epoch_bytes) {}

Lane::~Lane() = default;

void Lane::AddStream(std::unique_ptr<OperatorChain> chain,
                     OutputOptions output) {
  streams_.push_back({std::move(chain), std::move(output)});
}

Status Lane::Declare(const std::optional<Marker>& marker) {
  vehicle_clock_.Open(state_);
  for (Stream& stream : streams_) {
    RETURN_IF_ERROR(stream.chain->Open(schema_, state_, vehicle_clock_,
                                       metrics_, options_.time,
                                       std::move(stream.output)));
  }
  return state_.OpenTables(marker);
}

std::vector<std::string> Lane::table_names() const {
  std::vector<std::string> names;
  for (const auto& [name, fingerprint] : state_.Fingerprints()) {
    names.push_back(name);
  }
  return names;
}

Status Lane::Load(const std::optional<Marker>& marker, Offset start) {
  const Status loaded = LoadState(marker, start);
  store_corrupt_ = loaded.code() == StatusCode::kCorruption;
  return loaded;
}

Status Lane::LoadState(const std::optional<Marker>& marker, Offset start) {
  RETURN_IF_ERROR(state_.Load(marker));
  applied_marker_ = marker;
  if (marker.has_value()) {
    epoch_ = marker->epoch;
    ended_at_ = marker->ended_at;
    changelog_next_ = marker->changelog_next;
    vehicle_clock_.SetPartitionTime(marker->partition_time);
    if (start == marker->next_offset) idle_origin_ = marker->idle_origin;
  }
  idle_since_ = clock_.Now();
  for (Stream& stream : streams_) RETURN_IF_ERROR(stream.chain->Start());
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
  if (EpochFull()) {
    events_.OnEpochFull();
    return false;  // The freeze asks for the next turn.
  }
  bool more = false;
  return GoesOn(ProcessTurn(batch, more)) && more && !stopped_;
}

bool Lane::GoesOn(const Status& status) {
  store_corrupt_ = state_.error().code() == StatusCode::kCorruption;
  if (status.ok()) return true;
  failed_ = true;
  events_.OnLaneFailed(
      *this, status.With("lane " + options_.tp.ToString() + " offset " +
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
    idle_since_ = clock_.Now();
    idle_origin_ = kNoTime;
    // 2. Decode into columns; bad messages become rejects.
    decoder_->Decode(batch);
    // 3. Operate: every stream over the whole batch.
    RETURN_IF_ERROR(Operate(batch));
  }
  Count(batch, drained);
  next_offset_ = std::max(next_offset_.load(), drained.next_offset);
  if (options_.end_offset != kNoOffset && !ended_ &&
      next_offset_ >= options_.end_offset) {
    RETURN_IF_ERROR(CloseAtEnd());
  }
  // 4. Memory: clean vehicles go; changed ones ask for a freeze.
  if (state_.EvictIfOver()) events_.OnEpochFull();
  more = drained.more;
  return drained.error;
}

void Lane::CutAtEnd(Batch& batch, Drained& drained) {
  while (!batch.messages.empty() &&
         batch.messages.back().offset >= options_.end_offset) {
    batch.messages.pop_back();
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
  for (Stream& stream : streams_) {
    RETURN_IF_ERROR(
        stream.chain->Advance(partition_time, outputs_, epoch_records_));
  }
  commit_required_ = true;
  return Status::Ok();
}

void Lane::AdvanceIdle(const IdleProof& proof) {
  if (stopped_ || failed_ || !owned_) return;
  if (EpochFull()) return events_.OnEpochFull();
  const Timestamp time = IdleTime(proof);
  if (time == vehicle_clock_.partition_time()) return;
  vehicle_clock_.SetPartitionTime(time);
  idle_origin_ = proof.asked_at;
  if (!GoesOn(AdvanceStreams(time))) return;
  if (state_.EvictIfOver()) events_.OnEpochFull();
}

// Partition time after an advance on `proof`; as it is, if there is none to be.
// A proof that moves nothing leaves the origin where it is, so that it does not
// matter how often the broker is asked.
Timestamp Lane::IdleTime(const IdleProof& proof) const {
  const Timestamp time = vehicle_clock_.partition_time();
  if (time == kNoTime || proof.position != next_offset_) return time;
  const Timestamp since = idle_since_;
  if (proof.asked_at < since + options_.idle_timeout) return time;
  const Timestamp origin = idle_origin_ == kNoTime ? since : idle_origin_;
  const Timestamp moved = time + (proof.asked_at - origin);
  return std::max(time,
                  std::min(moved, proof.asked_at - options_.max_future_skew));
}

Status Lane::Operate(Batch& batch) {
  RETURN_IF_ERROR(WriteRejects(batch));
  RETURN_IF_ERROR(state_.InternBatch(batch));
  vehicle_clock_.Observe(batch);
  for (Stream& stream : streams_) {
    RETURN_IF_ERROR(stream.chain->Process(batch, outputs_, epoch_records_));
  }
  epoch_records_ += batch.records();
  epoch_messages_ += batch.messages.size();
  ended_at_ = kNoTime;  // There is something to close again.
  return Status::Ok();
}

Status Lane::WriteRejects(const Batch& batch) {
  size_t row = 0;  // Accepted rows before the reject give it its place.
  for (const Reject& reject : batch.rejects) {
    const Message& message = batch.messages[reject.message];
    if (options_.fail_on_reject) {
      return Status(StatusCode::kCorruption,
                    "message at offset " + std::to_string(message.offset) +
                        " refused: " + RejectReasonName(reject.reason) +
                        " (rejects: fail); repair the producer, or set "
                        "rejects: {topic: NAME}");
    }
    while (row < batch.records() && batch.message_index[row] < reject.message) {
      ++row;
    }
    metrics_.rejects[static_cast<size_t>(reject.reason)].Add(1);
    if (options_.reject_sink) {
      WriteReject(message, reject.reason, epoch_records_ + row);
    }
  }
  return Status::Ok();
}

void Lane::WriteReject(const Message& message, RejectReason reason,
                       uint64_t cause) {
  outputs_.Begin(*options_.reject_sink, cause, message.log_time);
  outputs_.AppendOriginal(message.key, message.value, options_.reject_bytes);
  outputs_.AddHeader("tacho.reason", RejectReasonName(reason));
  outputs_.AddHeader("tacho.topic", options_.tp.topic);
  outputs_.AddHeader("tacho.partition", IntText(options_.tp.partition).view());
  outputs_.AddHeader("tacho.offset", IntText(message.offset).view());
  outputs_.AddHeader("tacho.timestamp",
                     IntText(ToEpochMillis(message.log_time)).view());
  outputs_.AddHeader("tacho.job", options_.job);
  outputs_.AddTruncation(message.key.size() + message.value.size());
  outputs_.End();
}

void Lane::Count(const Batch& batch, const Drained& drained) {
  metrics_.skipped.Add(drained.skipped);
  if (batch.empty()) return;
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
  return epoch_messages_ >= options_.epoch_messages ||
         outputs_.used_bytes() + state_.changed_bytes() >=
             epoch_bytes_.load(std::memory_order_relaxed);
}

LaneEpoch& Lane::Freeze() {
  frozen_.Clear();
  frozen_.tp = options_.tp;
  const Offset next = next_offset_;
  frozen_.changed = !failed_ && (next != frozen_offset_ || commit_required_ ||
                                 !outputs_.empty());
  if (!frozen_.changed) return frozen_;
  if (options_.merge_outputs) MergeOutputs();
  state_.Freeze(frozen_.changes);
  std::swap(frozen_.outputs, outputs_);
  outputs_.Clear();
  frozen_.messages = epoch_messages_;
  Marker& marker = frozen_.marker;
  marker.epoch = ++epoch_;
  marker.writer_id = options_.writer_id;
  marker.guarantee = options_.guarantee;
  marker.next_offset = next;
  marker.partition_time = vehicle_clock_.partition_time();
  marker.idle_origin = idle_origin_;
  marker.ended_at = ended_at_;
  marker.input_partitions = options_.input_partitions;
  marker.reset_generation = options_.reset_generation;
  marker.cluster_id = options_.cluster_id;
  // Unless the transaction learns better from its delivery reports.
  marker.changelog_next = changelog_next_;
  marker.wall_time = clock_.Now();
  marker.job = options_.job;
  marker.tables = state_.Fingerprints();
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
}

Status Lane::Apply(const LaneEpoch& part) {
  if (!owned_) return Status::Ok();  // Detached: another worker's business.
  const Status applied = store_->Apply(part.changes, part.marker);
  if (applied.code() == StatusCode::kCorruption) store_corrupt_ = true;
  return applied;
}

Status Lane::Close() {
  for (Stream& stream : streams_) stream.chain->Close();
  return store_->Close();
}

}  // namespace tacho
