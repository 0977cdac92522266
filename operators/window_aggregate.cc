#include "operators/window_aggregate.h"

#include <algorithm>
#include <string>

#include "operators/fingerprint.h"
#include "pipeline/base/check.h"
#include "pipeline/base/units.h"

namespace tacho {

namespace {

// The oldest end of a vehicle without open windows.
constexpr Timestamp kNone = Timestamp::max();

}  // namespace

WindowAggregate::WindowAggregate(const Options& options,
                                 AggregateSet aggregates)
    : options_(options), aggregates_(std::move(aggregates)) {}

Status WindowAggregate::Open(OperatorContext& context) {
  state_ = &context.state;
  clock_ = &context.clock;
  idle_timeout_ = context.vehicle_idle_timeout;
  // Lateness is not part of it: it says when a window closes, not what is in
  // it.
  const std::string meaning =
      "window_aggregate/1;size=" + std::to_string(options_.size.count()) + ";";
  TableSpec windows;
  windows.name = context.table_prefix + "windows";
  windows.fingerprint = Fingerprint(meaning + aggregates_.description());
  if (aggregates_.cells() > Accumulators::kInlineCells) {
    windows.heap_bytes = aggregates_.cells() * sizeof(Accumulators::Cell);
  }
  windows.heap_bytes += aggregates_.texts() * 2 * sizeof(std::string);
  windows_ = state_->Declare<Accumulators>(std::move(windows));

  TableSpec closed;
  closed.name = context.table_prefix + "closed";
  closed.fingerprint = Fingerprint(meaning + "closed");
  closed_ = state_->Declare<ClosedUntil>(std::move(closed));

  if (aggregates_.odometers().empty()) return Status::Ok();
  std::string signals = "window_aggregate/1;odometers;";
  for (const size_t column : aggregates_.odometers()) {
    const Signal& signal = context.schema[column];
    signals +=
        signal.name + ":" + std::string(InsideUnit(signal.dimension)) + ";";
  }
  TableSpec odometers;
  odometers.name = context.table_prefix + "odometers";
  odometers.fingerprint = Fingerprint(signals);
  odometers_ = state_->Declare<Reading>(std::move(odometers));
  return Status::Ok();
}

Status WindowAggregate::Start() {
  for (const auto& [vehicle, start] : state_->loaded(*windows_)) {
    Timestamp& oldest = OldestEnd(vehicle);
    oldest = std::min(oldest, FromEpochMillis(start) + options_.size);
  }
  for (const auto& [vehicle, start] : state_->loaded(*windows_)) {
    // Last seen may be on disk; a later record can open an earlier window,
    // but not be seen before the present.
    silent_.Add(
        vehicle,
        std::min(OldestEnd(vehicle), clock_->partition_time()) + idle_timeout_);
  }
  return Status::Ok();
}

Timestamp& WindowAggregate::OldestEnd(VehicleIndex vehicle) {
  if (vehicle >= oldest_end_.size()) {
    oldest_end_.resize(
        std::max<size_t>(size_t{vehicle} + 1, oldest_end_.size() * 2), kNone);
  }
  return oldest_end_[vehicle];
}

// 1. Close what is due because partition time has moved.
// 2. Close what is due because the vehicle's own time has moved.
// 3. Only then look at the row itself.
Status WindowAggregate::Process(const Batch& batch, Selection& selection,
                                Emitter& emitter) {
  aggregates_.Bind(batch);
  auto fresh = clock_->fresh_rows().begin();
  const auto fresh_end = clock_->fresh_rows().end();
  for (size_t row = 0; row < batch.records(); ++row) {
    const VehicleIndex vehicle = batch.vehicle[row];
    const Timestamp now = batch.partition_time[row];
    const Timestamp watermark =
        batch.vehicle_time[row] - options_.allowed_lateness;
    if (silent_.Due(now)) {
      RETURN_IF_ERROR(CollectSilent(&batch, static_cast<int64_t>(row), now));
    }
    if (OldestEnd(vehicle) <= watermark) CollectUpTo(vehicle, watermark);
    if (!closing_.empty()) EmitClosing(static_cast<int64_t>(row), emitter);
    if (fresh != fresh_end && *fresh == row) {
      Forget(vehicle);
      ++fresh;
    }
    if (selection[row] == 0) continue;
    RETURN_IF_ERROR(Aggregate(batch, row, watermark, emitter));
  }
  return Status::Ok();
}

Status WindowAggregate::Advance(Timestamp partition_time, Emitter& emitter) {
  RETURN_IF_ERROR(CollectSilent(nullptr, -1, partition_time));
  EmitClosing(-1, emitter);
  return Status::Ok();
}

// Last seen is as of the row before: the row's own vehicle was silent too.
Status WindowAggregate::CollectSilent(const Batch* batch, int64_t row,
                                      Timestamp now) {
  while (silent_.Due(now)) {
    const VehicleIndex vehicle = silent_.Pop();
    if (OldestEnd(vehicle) == kNone) continue;
    RETURN_IF_ERROR(state_->EnsureResident(vehicle));
    const VehicleClock::Times times =
        batch == nullptr ? clock_->Now(vehicle)
                         : clock_->AsOf(*batch, vehicle, row - 1);
    const Timestamp silent_from = times.last_seen + idle_timeout_;
    if (silent_from > now) {
      silent_.Add(vehicle, silent_from);
      continue;
    }
    const Timestamp last_end = now - idle_timeout_;
    if (OldestEnd(vehicle) <= last_end) {
      const Timestamp newest = CollectUpTo(vehicle, last_end);
      ClosedUntil& closed = closed_->Mutate(vehicle);
      closed.end = std::max(closed.end, newest);
    }
    const Timestamp oldest = OldestEnd(vehicle);
    if (oldest == kNone) continue;
    // A record to come may open an earlier window, but is seen at `now` or
    // later.
    silent_.Add(vehicle, std::max(std::min(oldest, now) + idle_timeout_,
                                  now + Millis(1)));
  }
  return Status::Ok();
}

// Notes the vehicle's windows that end at or before `last_end` as closing;
// returns the greatest of their ends. May be called twice at a row: what the
// first call took ends before OldestEnd.
Timestamp WindowAggregate::CollectUpTo(VehicleIndex vehicle,
                                       Timestamp last_end) {
  Timestamp& oldest = OldestEnd(vehicle);
  Timestamp left = kNone;
  Timestamp newest = kNoTime;
  windows_->ForEach(vehicle, [&](int64_t start, const Accumulators&) {
    const Timestamp end = FromEpochMillis(start) + options_.size;
    if (end > last_end) {
      left = std::min(left, end);
    } else if (end >= oldest) {
      closing_.push_back({end, vehicle});
      newest = std::max(newest, end);
    }
  });
  oldest = left;
  return newest;
}

void WindowAggregate::EmitClosing(int64_t row, Emitter& emitter) {
  if (closing_.size() > 1) {
    std::sort(closing_.begin(), closing_.end(),
              [this](const Closing& a, const Closing& b) {
                if (a.end != b.end) return a.end < b.end;
                return state_->VehicleId(a.vehicle) <
                       state_->VehicleId(b.vehicle);
              });
  }
  for (const Closing& closing : closing_) {
    const Timestamp start = closing.end - options_.size;
    const int64_t key = ToEpochMillis(start);
    const Accumulators* const window = windows_->Find(closing.vehicle, key);
    CHECK(window != nullptr);
    emitter.Begin(row, closing.vehicle);
    emitter.Text(state_->VehicleId(closing.vehicle));
    emitter.Time(start);
    emitter.Time(closing.end);
    aggregates_.Emit(*window, emitter);
    emitter.End();
    windows_->Erase(closing.vehicle, key);
  }
  closing_.clear();
}

// What is remembered of a vehicle ends with its clock entry.
void WindowAggregate::Forget(VehicleIndex vehicle) {
  closed_->Erase(vehicle);
  for (size_t i = 0; i < aggregates_.odometers().size(); ++i) {
    odometers_->Erase(vehicle, static_cast<int64_t>(i));
  }
}

bool WindowAggregate::IsLate(VehicleIndex vehicle, Timestamp end,
                             Timestamp watermark) {
  if (end <= watermark) return true;
  if (closed_->entries() == 0) return false;
  const ClosedUntil* const closed = closed_->Find(vehicle);
  if (closed == nullptr) return false;
  if (end <= closed->end) return true;
  // From here on the watermark says it all.
  if (closed->end <= watermark) closed_->Erase(vehicle);
  return false;
}

Status WindowAggregate::Aggregate(const Batch& batch, size_t row,
                                  Timestamp watermark, Emitter& emitter) {
  const Timestamp event_time = batch.event_time[row];
  if (event_time < window_start_ || event_time >= window_end_) {
    window_start_ = WindowStart(event_time, options_.size);
    window_end_ = window_start_ + options_.size;
  }
  const VehicleIndex vehicle = batch.vehicle[row];
  if (IsLate(vehicle, window_end_, watermark)) {
    emitter.Late(row, window_start_, window_end_);
    return Status::Ok();
  }
  bool created;
  Accumulators& window =
      windows_->Mutate(vehicle, ToEpochMillis(window_start_), &created);
  if (created) {
    aggregates_.Init(window);
    Timestamp& oldest = OldestEnd(vehicle);
    oldest = std::min(oldest, window_end_);
    silent_.Add(vehicle, batch.partition_time[row] + idle_timeout_);
  } else if (window.size() != aggregates_.cells() ||
             window.texts.size() != aggregates_.texts()) {
    return Corruption("table " + windows_->spec().name +
                      ": a window of another layout");
  }
  aggregates_.Add(window, row, event_time);
  if (odometers_ != nullptr) AddDistances(batch, row, window);
  return Status::Ok();
}

void WindowAggregate::AddDistances(const Batch& batch, size_t row,
                                   Accumulators& window) {
  for (size_t odometer = 0; odometer < aggregates_.odometers().size();
       ++odometer) {
    bool valid = false;
    const double step = Step(batch, row, odometer, valid);
    if (!valid) continue;
    for (const AggregateSet::Distance& distance : aggregates_.distances()) {
      if (distance.odometer != odometer) continue;
      window.cells()[distance.cell].d += step;
      window.valid |= distance.bit;
    }
  }
}

// The step that the row's reading adds to its window: 0 if it has none to
// add. `valid` is false if the row has no reading.
double WindowAggregate::Step(const Batch& batch, size_t row, size_t odometer,
                             bool& valid) {
  const Column& column = batch.columns[aggregates_.odometers()[odometer]];
  valid = column.state[row] == CellState::kValid;
  if (!valid) return 0;
  const double value = column.type == SignalType::kInt64
                           ? static_cast<double>(column.ints[row])
                           : column.doubles[row];
  const VehicleIndex vehicle = batch.vehicle[row];
  const auto key = static_cast<int64_t>(odometer);
  const Timestamp at = batch.event_time[row];
  const Reading* const last = odometers_->Find(vehicle, key);
  if (last != nullptr && at < last->at) return 0;
  const double step = last == nullptr ? 0 : value - last->value;
  Reading& reading = odometers_->Mutate(vehicle, key);
  reading.at = at;
  reading.value = value;
  return std::max(step, 0.0);
}

std::vector<OutputField> WindowAggregate::OutputSchema() const {
  std::vector<OutputField> fields = {
      {"vehicle_id", FieldType::kText, Dimension::kNone},
      {"window_start", FieldType::kTime, Dimension::kNone},
      {"window_end", FieldType::kTime, Dimension::kNone}};
  fields.insert(fields.end(), aggregates_.fields().begin(),
                aggregates_.fields().end());
  return fields;
}

void WindowAggregate::Close() {
  windows_ = nullptr;
  closed_ = nullptr;
  odometers_ = nullptr;
}

}  // namespace tacho
