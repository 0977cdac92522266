#include "operators/excursion.h"

#include <algorithm>
#include <cmath>

#include "operators/fingerprint.h"
#include "pipeline/base/check.h"
#include "pipeline/base/json_escape.h"

namespace tacho {

namespace {

constexpr size_t kStartEvictEvery = 256;  // Vehicles.
constexpr size_t kMaxEventBytes = 8;      // "close".
constexpr size_t kMaxIdBytes = 24;        // Two slashes and a time.

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
  has_peak = in.Bool();
  start = in.Time();
  last_sample = in.Time();
  peak = in.F64();
  return in.ok() && code <= static_cast<uint8_t>(Phase::kOpen);
}

const char* Excursion::State::Check(int64_t subkey, const State& state) {
  if (subkey != 0) return "a subkey that is not 0";
  if (!IsStateTime(state.start) || !IsStateTime(state.last_sample)) {
    return "a time out of range";
  }
  if (state.phase != Phase::kIdle &&
      (state.start == kNoTime || state.start > state.last_sample)) {
    return "an excursion that ends before it starts";
  }
  return std::isfinite(state.peak) ? nullptr : "a peak that is not finite";
}

Status Excursion::Open(OperatorContext& context) {
  state_ = &context.state;
  clock_ = &context.clock;
  forget_ = context.vehicle_forget;
  forgotten_ = context.DeclareForget();
  TableSpec spec;
  spec.name = context.table_prefix + "excursions";
  spec.fingerprint = Fingerprint("excursion/1;peak=" + options_.peak_text +
                                 (options_.greatest ? ";greatest" : ";least"));
  table_ = state_->Declare<State>(std::move(spec), State::Check);
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
    forgotten_->Set(vehicle, clock_->Now(vehicle).last_seen + forget_);
    if (++read % kStartEvictEvery == 0) (void)state_->EvictIfOver();
  }
  return Status::Ok();
}

// Each row is a sample, or was refused.
Status Excursion::Process(const Batch& batch, RowRange& range,
                          Selection& selection, RowWriter& rows) {
  Evaluate(batch, range);
  for (size_t& row = range.row; row < range.end; ++row) {
    const bool is_fresh = range.begins_fresh && row == range.begin;
    if (selection[row] != 0) {
      ProcessRow(batch, row, is_fresh, rows);
    } else {
      NoteRefused(batch, row, is_fresh);
    }
  }
  return Status::Ok();
}

void Excursion::Evaluate(const Batch& batch, const RowRange& range) {
  options_.when.Evaluate(batch, range, when_);
  if (options_.clear.has_value()) {
    options_.clear->Evaluate(batch, range, clear_);
  }
  if (options_.peak.has_value()) {
    options_.peak->Evaluate(batch, range, peak_, has_peak_);
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
                           RowWriter& rows) {
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
  if (time < last) return rows.LateBehind(row, last);
  if (kept == nullptr && is_newest && when_[row] != Truth::kTrue) return;

  State state = kept == nullptr ? State() : *kept;
  const bool changed = Take(SampleAt(batch, row), state);
  state.last_sample = time;
  if (changed) {
    const std::string_view vehicle_id = state_->VehicleId(vehicle);
    rows.Begin(static_cast<int64_t>(row), vehicle, vehicle_id, time);
    Emit(vehicle_id, state, time, rows);
  }
  if (state.phase == Phase::kIdle && is_newest) {
    if (kept != nullptr) Drop(vehicle);
  } else {
    Keep(vehicle, state);
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
  Keep(vehicle, state);
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

Status Excursion::OnForget(VehicleIndex vehicle, RowWriter& rows) {
  const State* const kept = Find(vehicle);
  if (kept == nullptr) return Status::Ok();
  State state = *kept;
  CloseIfOpen(vehicle, state, rows);
  Drop(vehicle);
  return Status::Ok();
}

// The end of input ends excursions but forgets no vehicle: the last sample is
// kept, for a run that goes on from here.
Status Excursion::OnEnd(VehicleIndex vehicle, RowWriter& rows) {
  const State* const kept = Find(vehicle);
  if (kept == nullptr) return Status::Ok();
  State state = *kept;
  CloseIfOpen(vehicle, state, rows);
  if (state.last_sample == clock_->Now(vehicle).vehicle_time) {
    Drop(vehicle);
  } else {
    state.phase = Phase::kIdle;
    Keep(vehicle, state);
  }
  return Status::Ok();
}

void Excursion::CloseIfOpen(VehicleIndex vehicle, State& state,
                            RowWriter& rows) {
  if (state.phase != Phase::kOpen) return;
  state.phase = Phase::kIdle;
  const std::string_view vehicle_id = state_->VehicleId(vehicle);
  rows.BeginDue(vehicle, vehicle_id, state.last_sample);
  Emit(vehicle_id, state, state.last_sample, rows);
}

// Phase kOpen: it has just opened; kIdle: closed.
void Excursion::Emit(std::string_view vehicle_id, const State& state,
                     Timestamp at, RowWriter& rows) {
  const bool open = state.phase == Phase::kOpen;
  id_.assign(vehicle_id);
  id_ += '/';
  id_ += options_.name;
  id_ += '/';
  id_ += std::to_string(ToEpochMillis(state.start));
  rows.Text(vehicle_id);
  rows.Text(options_.name);
  rows.Text(open ? "open" : "close");
  rows.CopyText(id_);
  rows.Time(state.start);
  if (open) {
    rows.Null();
  } else {
    rows.Time(at);
  }
  rows.Int((at - state.start).count());
  if (state.has_peak) {
    rows.Double(state.peak);
  } else {
    rows.Null();
  }
  rows.End();
}

const Excursion::State* Excursion::Find(VehicleIndex vehicle) {
  if (vehicle >= has_entry_.size() || has_entry_[vehicle] == 0) return nullptr;
  return table_->Find(vehicle);
}

void Excursion::Keep(VehicleIndex vehicle, const State& state) {
  if (vehicle >= has_entry_.size()) {
    has_entry_.resize(
        std::max<size_t>(size_t{vehicle} + 1, has_entry_.size() * 2));
  }
  table_->Mutate(vehicle) = state;
  has_entry_[vehicle] = 1;
  if (!forgotten_->pending(vehicle)) forgotten_->Set(vehicle, kNoTime);
}

void Excursion::Drop(VehicleIndex vehicle) {
  table_->Erase(vehicle);
  has_entry_[vehicle] = 0;
  forgotten_->Cancel(vehicle);
}

RowSchema Excursion::OutputSchema() const {
  const Dimension peak =
      options_.peak.has_value() ? options_.peak->dimension() : Dimension::kNone;
  const size_t name = EscapedJsonSize(options_.name);
  return {{"vehicle_id", FieldType::kText, Dimension::kNone, {1, 0}},
          {"name", FieldType::kText, Dimension::kNone, {0, name}},
          {"event", FieldType::kText, Dimension::kNone, {0, kMaxEventBytes}},
          {"id", FieldType::kText, Dimension::kNone, {1, name + kMaxIdBytes}},
          {"start", FieldType::kTime, Dimension::kNone},
          {"end", FieldType::kTime, Dimension::kNone, {}, true},
          {"duration_ms", FieldType::kInt64, Dimension::kNone},
          {"peak", FieldType::kDouble, peak, {}, true, options_.relative}};
}

}  // namespace tacho
