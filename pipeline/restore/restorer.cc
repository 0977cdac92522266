#include "pipeline/restore/restorer.h"

#include "pipeline/base/check.h"
#include "state/changelog_record.h"

namespace tacho {
namespace {

bool IsEmpty(const Marker& base) { return base.epoch == 0 && !base.restoring; }

std::string Hex(uint32_t tag) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text = "0x";
  for (int shift = 28; shift >= 0; shift -= 4) {
    text += kDigits[(tag >> shift) & 0xf];
  }
  return text;
}

}  // namespace

Restorer::Restorer(StateStore& store, std::unique_ptr<ChangelogReader> reader,
                   Spec spec, const Clock& clock)
    : Restorer(store, std::move(reader), std::move(spec), clock, Limits()) {}

Restorer::Restorer(StateStore& store, std::unique_ptr<ChangelogReader> reader,
                   Spec spec, const Clock& clock, const Limits& limits)
    : store_(store),
      reader_(std::move(reader)),
      spec_(std::move(spec)),
      clock_(clock),
      limits_(limits),
      started_(clock.Now()),
      oldest_(IsEmpty(spec_.base) ? started_ : spec_.base.wall_time),
      position_(reader_->position()),
      open_epoch_(spec_.base.restoring && spec_.base.epoch == 0),
      log_id_(spec_.base.log_id) {
  CHECK(spec_.check != nullptr);
  for (TableId table = 0; table < spec_.names.size(); ++table) {
    tags_.emplace_back(TableTag(spec_.names[table]), table);
  }
  if (spec_.base.epoch > 0) meta_ = spec_.base;
}

Result<bool> Restorer::Step() {
  CHECK(!done_);
  if (!failure_.ok()) return failure_;
  chunk_.Clear();
  const Status read = reader_->Read(chunk_, limits_.read_bytes);
  if (!read.ok() && !read.retryable()) return failure_ = read;
  // What came before an error that passes was read, and comes no second time.
  const Offset before = position_;
  const Status advanced = Advance();
  if (!advanced.ok()) {
    // A write that may succeed later is tried again by the next step.
    if (!advanced.retryable()) failure_ = advanced;
    return advanced;
  }
  if (!read.ok() && !done_) return read;
  return done_ || position_ > before;
}

Status Restorer::Advance() {
  RETURN_IF_ERROR(TakeChunk());
  if (position_ >= spec_.end) return wrong_.ok() ? Finish() : wrong_;
  if (!wrong_.ok()) return Status::Ok();  // Only to learn what it means.
  // Not before it is full: few big writes cost much less than many small
  // ones, and a crash repeats a moment's work.
  if (changes_.used_bytes() >= limits_.write_bytes) return WritePart();
  return Status::Ok();
}

Status Restorer::TakeChunk() {
  for (const ChangelogChunk::Entry& entry : chunk_.entries()) {
    CHECK(entry.offset >= position_);
    if (entry.offset >= spec_.end) {
      position_ = spec_.end;
      return Status::Ok();
    }
    const Status taken = Take(entry);
    if (!taken.ok()) return At(entry.offset, taken);
    if (!open_epoch_ && !wrong_.ok()) return wrong_;
    position_ = entry.offset + 1;
  }
  // Further if control records or aborted transactions follow.
  position_ = reader_->position();
  return Status::Ok();
}

Status Restorer::Take(const ChangelogChunk::Entry& entry) {
  const std::string_view key = chunk_.Key(entry);
  const std::string_view value = chunk_.Value(entry);
  ++records_;
  bytes_ += key.size() + value.size();
  ASSIGN_OR_RETURN(const ChangelogRecord record,
                   ParseChangelogRecord(key, value));
  if (record.kind == ChangelogRecord::kMeta) return TakeMeta(record.value);
  if (record.kind == ChangelogRecord::kIdentity) {
    // A log that lost its end and was completed from a copy has a second one:
    // no news to who reads it from the beginning.
    if (spec_.base.log_id == 0) log_id_ = 0;
    return TakeLogId(record.log_id);
  }
  ASSIGN_OR_RETURN(const TableId table, TableOf(record.tag));
  open_epoch_ = true;
  if (!wrong_.ok()) return Status::Ok();
  const Status sound = spec_.check(table, record.key, record.value);
  if (sound.ok()) {
    changes_.Add(table, key, value);
  } else {
    wrong_ = At(entry.offset, sound);
  }
  return Status::Ok();
}

Status Restorer::TakeLogId(uint64_t log_id) {
  if (log_id_ == 0) log_id_ = log_id;
  if (log_id_ == log_id) return Status::Ok();
  return Corruption(
      "record of another changelog than what was read before: the topic was "
      "deleted and written anew");
}

Status Restorer::TakeMeta(std::string_view value) {
  ASSIGN_OR_RETURN(Marker meta, DecodeMarker(value));
  for (const LaneDifference& difference :
       CompareLanes(spec_.lane, meta.lane, FoundIn::kChangelog)) {
    // Of the last meta record only, and for the take-over to judge.
    if (difference.field == LaneField::kGuarantee ||
        difference.field == LaneField::kPartitionCount) {
      continue;
    }
    // Of another log, tables say nothing about this one.
    if (difference.field == LaneField::kTables) {
      RETURN_IF_ERROR(TakeLogId(meta.log_id));
    }
    return difference.status;
  }
  RETURN_IF_ERROR(TakeLogId(meta.log_id));
  if (meta.epoch <= last_epoch_) {
    return Corruption("epoch " + std::to_string(meta.epoch) + " after epoch " +
                      std::to_string(last_epoch_));
  }
  last_epoch_ = meta.epoch;
  meta_ = std::move(meta);
  open_epoch_ = false;
  return Status::Ok();
}

Result<TableId> Restorer::TableOf(uint32_t tag) const {
  for (const auto& [known, table] : tags_) {
    if (known == tag) return table;
  }
  return InvalidArgument(
      "state of a table that the job does not have (tag " + Hex(tag) +
      "): a stream or operator was renamed or removed. Restore the job as it "
      "was, or wipe its state: tacho offsets reset --state wipe");
}

Status Restorer::WritePart() {
  Marker part;
  if (open_epoch_) {
    // The epoch's own meta record is still to come; the last one is history.
    part.lane = spec_.lane;
    part.lane.tables.clear();
    part.log_id = log_id_;
  } else {
    part = *meta_;
  }
  part.changelog_next = position_;
  part.restoring = true;
  part.wall_time = oldest_;
  RETURN_IF_ERROR(store_.Restore(changes_, part).With(ChangelogName()));
  changes_.Clear();
  return Status::Ok();
}

Status Restorer::Finish() {
  const Status sound = CheckEnd();
  if (!sound.ok()) return At(position_, sound);
  if (meta_) {
    Marker full = *meta_;
    full.changelog_next = position_;
    full.restoring = false;
    full.wall_time = started_;
    RETURN_IF_ERROR(store_.Restore(changes_, full).With(ChangelogName()));
    marker_ = std::move(full);
  }
  chunk_ = ChangelogChunk();
  changes_ = StateChanges();
  done_ = true;
  return Status::Ok();
}

// What must hold before the store may be called whole.
Status Restorer::CheckEnd() const {
  const Marker& base = spec_.base;
  if (base.changelog_next > spec_.end) {
    return Corruption("the store holds the log up to offset " +
                      std::to_string(base.changelog_next) +
                      ", but it ends at " + std::to_string(spec_.end) +
                      ": the broker has lost records");
  }
  if (open_epoch_) {
    return Corruption("state changes that no meta record follows");
  }
  if (last_epoch_ > 0 && last_epoch_ < base.epoch) {
    return Corruption("the store holds epoch " + std::to_string(base.epoch) +
                      ", but the log ends with epoch " +
                      std::to_string(last_epoch_) +
                      ": the broker has lost records");
  }
  const bool replayed = records_ > 0 || base.restoring;
  if (replayed && clock_.Now() - oldest_ > spec_.delete_retention) {
    return Corruption(
        "the replay ended later than delete.retention.ms after the state that "
        "it began with; what was erased may have come back");
  }
  return Status::Ok();
}

const std::optional<Marker>& Restorer::marker() const {
  CHECK(done_);
  return marker_;
}

Restorer::Progress Restorer::progress() const {
  return {.records = records_,
          .bytes = bytes_,
          .position = position_,
          .end = spec_.end};
}

Status Restorer::At(Offset offset, const Status& status) const {
  return status.With(ChangelogName() + " offset " + std::to_string(offset));
}

std::string Restorer::ChangelogName() const {
  const LaneIdentity& lane = spec_.lane;
  const TopicPartition log{
      ChangelogTopic(lane.group, lane.tp.topic, lane.reset_generation),
      lane.tp.partition};
  return log.ToString();
}

}  // namespace tacho
