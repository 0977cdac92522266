#include "operators/excursion.h"

#include <algorithm>

#include "operators/fingerprint.h"
#include "pipeline/base/check.h"

namespace tacho {

namespace {

constexpr size_t kStartEvictEvery = 256;  // Vehicles.

}  // namespace

void Excursion::State::Encode(ByteWriter& out) const {
  out.U8(static_cast<uint8_t>(phase));
  out.U8(has_peak ? 1 : 0);
  out.Time(start);
  out.Time(last_sample);
  out.F64(peak);
}

bool Excursion::State::Decode(ByteReader& in) {
  const uint8_t code = in.U8();
  phase = static_cast<Phase>(code);
  has_peak = in.U8() != 0;
  start = in.Time();
  last_sample = in.Time();
  peak = in.F64();
  return in.ok() && code <= static_cast<uint8_t>(Phase::kOpen);
}

Status Excursion::Open(OperatorContext& context) {
  state_ = &context.state;
  clock_ = &context.clock;
  forget_ = context.vehicle_forget;
  TableSpec spec;
  spec.name = context.table_prefix + "excursions";
  spec.fingerprint = Fingerprint("excursion/1;peak=" + options_.peak_text +
                                 (options_.greatest ? ";greatest" : ";least"));
  table_ = state_->Declare<State>(std::move(spec));
  return Status::Ok();
}

// Last seen of a vehicle may be on disk. It is read here, where memory can be
// given back in between, so that the first row does not bring in every vehicle.
Status Excursion::Start() {
  size_t read = 0;
  for (const auto& [vehicle, subkey] : state_->loaded(*table_)) {
    if (vehicle >= has_entry_.size()) has_entry_.resize(size_t{vehicle} + 1);
    has_entry_[vehicle] = 1;
    RETURN_IF_ERROR(state_->EnsureResident(vehicle));
    forgotten_.Add(vehicle, clock_->Now(vehicle).last_seen + forget_);
    if (++read % kStartEvictEvery == 0) (void)state_->EvictIfOver();
  }
  return Status::Ok();
}

// 1. Close what is due because partition time has moved.
// 2. Then take the row as a sample, or note that it was refused.
Status Excursion::Process(const Batch& batch, Selection& selection,
                          Emitter& emitter) {
  Evaluate(batch);
  auto fresh = clock_->fresh_rows().begin();
  const auto fresh_end = clock_->fresh_rows().end();
  for (size_t row = 0; row < batch.records(); ++row) {
    const Timestamp now = batch.partition_time[row];
    if (forgotten_.Due(now)) {
      RETURN_IF_ERROR(
          CloseForgotten(&batch, static_cast<int64_t>(row), now, emitter));
    }
    const bool is_fresh = fresh != fresh_end && *fresh == row;
    if (is_fresh) ++fresh;
    if (selection[row] != 0) {
      ProcessRow(batch, row, is_fresh, emitter);
    } else {
      NoteRefused(batch, row, is_fresh);
    }
  }
  return Status::Ok();
}

Status Excursion::Advance(Timestamp partition_time, Emitter& emitter) {
  return CloseForgotten(nullptr, -1, partition_time, emitter);
}

void Excursion::Evaluate(const Batch& batch) {
  options_.when.Evaluate(batch, when_);
  if (options_.clear.has_value()) options_.clear->Evaluate(batch, clear_);
  if (options_.peak.has_value()) {
    options_.peak->Evaluate(batch, peak_, has_peak_);
  }
}

Excursion::Sample Excursion::SampleAt(const Batch& batch, size_t row) const {
  Sample sample{batch.event_time[row], when_[row], Truth::kUnknown, false, 0};
  if (options_.clear.has_value()) {
    sample.clear = clear_[row];
  } else if (when_[row] != Truth::kUnknown) {
    sample.clear = when_[row] == Truth::kFalse ? Truth::kTrue : Truth::kFalse;
  }
  if (options_.peak.has_value() && has_peak_[row] != 0) {
    sample.has_peak = true;
    sample.peak = peak_[row];
  }
  return sample;
}

void Excursion::ProcessRow(const Batch& batch, size_t row, bool fresh,
                           Emitter& emitter) {
  const VehicleIndex vehicle = batch.vehicle[row];
  const Timestamp time = batch.event_time[row];
  const bool is_newest = time == batch.vehicle_time[row];
  const State* const kept = Find(vehicle);
  // Without an entry the last sample is the vehicle's newest record before
  // this one, and that is vehicle_time unless this row has moved it.
  Timestamp last = kNoTime;
  if (kept != nullptr) {
    last = kept->last_sample;
  } else if (!fresh && !is_newest) {
    last = batch.vehicle_time[row];
  }
  if (time < last) return emitter.Late(row, time, last);
  if (kept == nullptr && is_newest && when_[row] != Truth::kTrue) return;

  State state = kept == nullptr ? State() : *kept;
  const bool changed = Take(SampleAt(batch, row), state);
  state.last_sample = time;
  if (changed) {
    Emit(static_cast<int64_t>(row), vehicle, state, time, emitter);
  }
  if (state.phase == Phase::kIdle && is_newest) {
    if (kept != nullptr) Drop(vehicle);
  } else {
    Keep(vehicle, state, batch.partition_time[row]);
  }
}

// The vehicle's newest record is not a sample: the clock does not know the
// last one any more.
void Excursion::NoteRefused(const Batch& batch, size_t row, bool fresh) {
  const VehicleIndex vehicle = batch.vehicle[row];
  const Timestamp time = batch.event_time[row];
  if (Find(vehicle) != nullptr) return;
  State state;
  if (!fresh) {
    if (time < batch.vehicle_time[row]) return;
    const int32_t previous = batch.previous_row[row];
    state.last_sample = previous >= 0
                            ? batch.vehicle_time[static_cast<size_t>(previous)]
                            : clock_->AsOf(batch, vehicle, -1).vehicle_time;
    if (state.last_sample == time) return;
  }
  Keep(vehicle, state, batch.partition_time[row]);
}

bool Excursion::Take(const Sample& sample, State& state) const {
  switch (state.phase) {
    case Phase::kIdle:
      if (sample.when != Truth::kTrue) return false;
      state.phase = Phase::kPending;
      state.start = sample.time;
      state.has_peak = false;
      AddPeak(sample, state);
      return Ripen(sample, state);
    case Phase::kPending:
      if (sample.when == Truth::kFalse) {
        state.phase = Phase::kIdle;
        return false;
      }
      AddPeak(sample, state);
      return sample.when == Truth::kTrue && Ripen(sample, state);
    case Phase::kOpen:
      if (sample.clear == Truth::kTrue) {
        state.phase = Phase::kIdle;
        return true;
      }
      AddPeak(sample, state);
      return false;
  }
  return false;
}

bool Excursion::Ripen(const Sample& sample, State& state) const {
  if (sample.time - state.start < options_.hold) return false;
  state.phase = Phase::kOpen;
  return true;
}

void Excursion::AddPeak(const Sample& sample, State& state) const {
  if (!sample.has_peak) return;
  const bool beyond =
      options_.greatest ? sample.peak > state.peak : sample.peak < state.peak;
  if (state.has_peak && !beyond) return;
  state.has_peak = true;
  state.peak = sample.peak;
}

// Ends every entry whose vehicle was last seen `vehicle_forget` or more before
// `now`. The end of input ends excursions but forgets no vehicle: the last
// sample is kept, for a run that goes on from here.
Status Excursion::CloseForgotten(const Batch* batch, int64_t row, Timestamp now,
                                 Emitter& emitter) {
  while (forgotten_.Due(now)) {
    const VehicleIndex vehicle = forgotten_.Pop();
    if (has_entry_[vehicle] == 0) continue;
    RETURN_IF_ERROR(state_->EnsureResident(vehicle));
    const VehicleClock::Times times =
        batch == nullptr ? clock_->Now(vehicle)
                         : clock_->AsOf(*batch, vehicle, row - 1);
    const Timestamp due = times.last_seen + forget_;
    if (due > now) {
      forgotten_.Add(vehicle, due);
    } else {
      closing_.push_back({due, vehicle});
    }
  }
  if (closing_.empty()) return Status::Ok();
  EmitClosing(row, emitter);
  for (const Closing& closing : closing_) {
    State state = *Find(closing.vehicle);
    const Timestamp vehicle_time = clock_->Now(closing.vehicle).vehicle_time;
    if (now == kEndOfTime && state.last_sample != vehicle_time) {
      state.phase = Phase::kIdle;
      forgotten_.Add(closing.vehicle, closing.due);
      Keep(closing.vehicle, state, clock_->partition_time());
    } else {
      Drop(closing.vehicle);
    }
  }
  closing_.clear();
  return Status::Ok();
}

void Excursion::EmitClosing(int64_t row, Emitter& emitter) {
  std::sort(closing_.begin(), closing_.end(),
            [this](const Closing& a, const Closing& b) {
              if (a.due != b.due) return a.due < b.due;
              return state_->VehicleId(a.vehicle) <
                     state_->VehicleId(b.vehicle);
            });
  for (const Closing& closing : closing_) {
    State state = *Find(closing.vehicle);
    if (state.phase != Phase::kOpen) continue;
    state.phase = Phase::kIdle;
    Emit(row, closing.vehicle, state, state.last_sample, emitter);
  }
}

// Phase kOpen: it has just opened; kIdle: closed.
void Excursion::Emit(int64_t row, VehicleIndex vehicle, const State& state,
                     Timestamp at, Emitter& emitter) {
  const bool open = state.phase == Phase::kOpen;
  const std::string_view vehicle_id = state_->VehicleId(vehicle);
  id_.assign(vehicle_id);
  id_ += '/';
  id_ += options_.name;
  id_ += '/';
  id_ += std::to_string(ToEpochMillis(state.start));
  emitter.Begin(row, vehicle);
  emitter.Text(vehicle_id);
  emitter.Text(options_.name);
  emitter.Text(open ? "open" : "close");
  emitter.Text(id_);
  emitter.Time(state.start);
  if (open) {
    emitter.Null();
  } else {
    emitter.Time(at);
  }
  emitter.Int((at - state.start).count());
  if (state.has_peak) {
    emitter.Double(state.peak);
  } else {
    emitter.Null();
  }
  emitter.End();
}

Excursion::State* Excursion::Find(VehicleIndex vehicle) {
  if (vehicle >= has_entry_.size() || has_entry_[vehicle] == 0) return nullptr;
  return table_->Find(vehicle);
}

void Excursion::Keep(VehicleIndex vehicle, const State& state, Timestamp now) {
  if (vehicle >= has_entry_.size()) {
    has_entry_.resize(
        std::max<size_t>(size_t{vehicle} + 1, has_entry_.size() * 2));
  }
  table_->Mutate(vehicle) = state;
  has_entry_[vehicle] = 1;
  forgotten_.Add(vehicle, now + forget_);
}

void Excursion::Drop(VehicleIndex vehicle) {
  table_->Erase(vehicle);
  has_entry_[vehicle] = 0;
}

std::vector<OutputField> Excursion::OutputSchema() const {
  const Dimension peak =
      options_.peak.has_value() ? options_.peak->dimension() : Dimension::kNone;
  return {{"vehicle_id", FieldType::kText, Dimension::kNone},
          {"name", FieldType::kText, Dimension::kNone},
          {"event", FieldType::kText, Dimension::kNone},
          {"id", FieldType::kText, Dimension::kNone},
          {"start", FieldType::kTime, Dimension::kNone},
          {"end", FieldType::kTime, Dimension::kNone},
          {"duration_ms", FieldType::kInt64, Dimension::kNone},
          {"peak", FieldType::kDouble, peak}};
}

}  // namespace tacho
