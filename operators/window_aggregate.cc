#include "operators/window_aggregate.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "operators/fingerprint.h"
#include "pipeline/base/check.h"
#include "pipeline/base/units.h"

namespace tacho {

WindowAggregate::WindowAggregate(const Options& options,
                                 AggregateSet aggregates)
    : options_(options), aggregates_(std::move(aggregates)) {}

Status WindowAggregate::Open(OperatorContext& context) {
  state_ = &context.state;
  schema_ = &context.schema;
  idle_timeout_ = context.vehicle_idle_timeout;
  silent_ = context.DeclareTimer(TimerClock::kSilence, idle_timeout_);
  passed_ = context.DeclareTimer(TimerClock::kVehicle);
  // Lateness is not part of it: it says when a window closes, not what is in
  // it.
  const std::string meaning =
      "window_aggregate/2;size=" + std::to_string(options_.size.count()) + ";";
  TableSpec windows;
  windows.name = context.table_prefix + "windows";
  windows.fingerprint = Fingerprint(meaning + aggregates_.description());
  if (aggregates_.cells() > Accumulators::kInlineCells) {
    windows.heap_bytes = aggregates_.cells() * sizeof(Accumulators::Cell);
  }
  windows.heap_bytes += aggregates_.texts() * 2 * sizeof(std::string);
  windows_ = state_->Declare<Accumulators>(
      std::move(windows), [this](int64_t subkey, const Accumulators& window) {
        return CheckWindow(subkey, window);
      });

  TableSpec closed;
  closed.name = context.table_prefix + "closed";
  closed.fingerprint = Fingerprint(meaning + "closed");
  closed_ = state_->Declare<ClosedUntil>(std::move(closed), ClosedUntil::Check);

  if (aggregates_.odometers().empty()) return Status::Ok();
  std::string signals = "window_aggregate/2;odometers;";
  for (const size_t column : aggregates_.odometers()) {
    const Signal& signal = context.schema[column];
    signals += signal.name + ":" + SignalTypeName(signal.type) + ":" +
               std::string(CanonicalUnit(signal.dimension)) + ";";
  }
  TableSpec odometers;
  odometers.name = context.table_prefix + "odometers";
  odometers.fingerprint = Fingerprint(signals);
  odometers_ = state_->Declare<Reading>(
      std::move(odometers), [this](int64_t subkey, const Reading& reading) {
        return CheckReading(subkey, reading);
      });
  return Status::Ok();
}

const char* WindowAggregate::ClosedUntil::Check(int64_t subkey,
                                                const ClosedUntil& value) {
  if (subkey != 0) return "a subkey that is not 0";
  return IsStateTime(value.end) ? nullptr : "a time out of range";
}

const char* WindowAggregate::CheckWindow(int64_t subkey,
                                         const Accumulators& window) const {
  const Timestamp start = FromEpochMillis(subkey);
  if (!IsRealStateTime(start)) return "a window out of range";
  if (WindowStart(start, options_.size) != start) {
    return "a window that is not aligned";
  }
  return aggregates_.Check(window, start, start + options_.size);
}

const char* WindowAggregate::CheckReading(int64_t subkey,
                                          const Reading& reading) const {
  if (subkey < 0 ||
      static_cast<size_t>(subkey) >= aggregates_.odometers().size()) {
    return "a subkey of no odometer";
  }
  if (!IsRealStateTime(reading.at)) return "a time out of range";
  const size_t column = aggregates_.odometers()[static_cast<size_t>(subkey)];
  const bool wrong = (*schema_)[column].type == SignalType::kDouble &&
                     std::isnan(reading.value.d);
  return wrong ? "a value that is not a number" : nullptr;
}

Status WindowAggregate::Start() {
  for (const auto& [vehicle, start] : state_->loaded(*windows_)) {
    const Timestamp end = FromEpochMillis(start) + options_.size;
    if (end < passed_->order(vehicle)) Await(vehicle, end);
  }
  return Status::Ok();
}

void WindowAggregate::Await(VehicleIndex vehicle, Timestamp end) {
  silent_->Set(vehicle, end + idle_timeout_, end);
  passed_->Set(vehicle, end + options_.allowed_lateness, end);
}

Status WindowAggregate::Process(const Batch& batch, RowRange& range,
                                Selection& selection, RowWriter& rows) {
  aggregates_.Bind(batch);
  for (size_t& row = range.row; row < range.end; ++row) {
    if (selection[row] == 0) continue;
    RETURN_IF_ERROR(Aggregate(batch, row, rows));
  }
  return Status::Ok();
}

// The vehicle's oldest window closes, and its next one is waited for.
Status WindowAggregate::OnTimer(const DueTimer& due, RowWriter& rows) {
  const Timestamp end = due.order;
  if (due.timer == silent_) {
    ClosedUntil& closed = closed_->Mutate(due.vehicle);
    closed.end = std::max(closed.end, end);
  }
  EmitWindow(due.vehicle, end, rows);
  silent_->Cancel(due.vehicle);
  passed_->Cancel(due.vehicle);
  windows_->VisitUp(due.vehicle, ToEpochMillis(end - options_.size),
                    [&](int64_t start, const Accumulators&) {
                      Await(due.vehicle,
                            FromEpochMillis(start) + options_.size);
                      return false;
                    });
  return Status::Ok();
}

void WindowAggregate::EmitWindow(VehicleIndex vehicle, Timestamp end,
                                 RowWriter& rows) {
  const Timestamp start = end - options_.size;
  const int64_t key = ToEpochMillis(start);
  const Accumulators* const window = windows_->Find(vehicle, key);
  CHECK(window != nullptr);
  const std::string_view vehicle_id = state_->VehicleId(vehicle);
  rows.BeginDue(vehicle, vehicle_id, end - Millis(1));
  rows.Text(vehicle_id);
  rows.Time(start);
  rows.Time(end);
  aggregates_.Emit(*window, rows);
  rows.End();
  windows_->Erase(vehicle, key);
}

// What is remembered of a vehicle ends with its clock entry.
Status WindowAggregate::OnForget(VehicleIndex vehicle, RowWriter&) {
  closed_->Erase(vehicle);
  for (size_t i = 0; i < aggregates_.odometers().size(); ++i) {
    odometers_->Erase(vehicle, static_cast<int64_t>(i));
  }
  return Status::Ok();
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
                                  RowWriter& rows) {
  const Timestamp event_time = batch.event_time[row];
  if (event_time < window_start_ || event_time >= window_end_) {
    window_start_ = WindowStart(event_time, options_.size);
    window_end_ = window_start_ + options_.size;
  }
  const VehicleIndex vehicle = batch.vehicle[row];
  const Timestamp watermark =
      batch.vehicle_time[row] - options_.allowed_lateness;
  if (IsLate(vehicle, window_end_, watermark)) {
    rows.Late(row, window_start_, window_end_);
    return Status::Ok();
  }
  bool created;
  Accumulators& window =
      windows_->Mutate(vehicle, ToEpochMillis(window_start_), &created);
  if (created) {
    aggregates_.Init(window);
    if (window_end_ < passed_->order(vehicle)) Await(vehicle, window_end_);
  }
  aggregates_.Add(window, row, event_time);
  if (odometers_ != nullptr) AddDistances(batch, row, window);
  return Status::Ok();
}

void WindowAggregate::AddDistances(const Batch& batch, size_t row,
                                   Accumulators& window) {
  for (size_t odometer = 0; odometer < aggregates_.odometers().size();
       ++odometer) {
    const Column& column = batch.columns[aggregates_.odometers()[odometer]];
    if (column.state[row] != CellState::kValid) continue;
    const int64_t step = Step(batch, row, odometer);
    for (const AggregateSet::Distance& distance : aggregates_.distances()) {
      if (distance.odometer == odometer) distance.Add(window, step);
    }
  }
}

// The step that the row's reading adds to its window, 0 if it has none to
// add; kBeyond if it is none.
int64_t WindowAggregate::Step(const Batch& batch, size_t row, size_t odometer) {
  const Column& column = batch.columns[aggregates_.odometers()[odometer]];
  const bool whole = column.type == SignalType::kInt64;
  Accumulators::Cell value;
  if (whole) {
    value.i = column.ints[row];
  } else {
    value.d = column.doubles[row];
  }
  const VehicleIndex vehicle = batch.vehicle[row];
  const auto key = static_cast<int64_t>(odometer);
  const Timestamp at = batch.event_time[row];
  const Reading* const last = odometers_->Find(vehicle, key);
  if (last != nullptr && at < last->at) return 0;
  int64_t step = 0;
  if (last != nullptr) {
    step = whole ? WholeStep(last->value.i, value.i)
                 : DecimalStep(last->value.d, value.d);
  }
  Reading& reading = odometers_->Mutate(vehicle, key);
  reading.at = at;
  reading.value = value;
  return step;
}

RowSchema WindowAggregate::OutputSchema() const {
  RowSchema fields = {
      {"vehicle_id", FieldType::kText, Dimension::kNone, {1, 0}},
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
