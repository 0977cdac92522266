#include "operators/window_aggregate.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "operators/exact_sum.h"
#include "operators/fingerprint.h"
#include "pipeline/base/check.h"
#include "pipeline/base/units.h"

namespace tacho {

WindowAggregate::WindowAggregate(const Options& options,
                                 AggregateSet aggregates)
    : options_(options), aggregates_(std::move(aggregates)) {}

// Of tumbling windows nothing, as before there were others.
std::string WindowAggregate::Slide() const {
  if (!options_.windows.overlapping()) return "";
  return "slide=" + std::to_string(options_.windows.slide().count()) + ";";
}

Status WindowAggregate::Open(OperatorContext& context) {
  state_ = &context.state;
  schema_ = &context.schema;
  idle_timeout_ = context.vehicle_idle_timeout;
  silent_ = context.DeclareTimer(TimerClock::kSilence, idle_timeout_);
  passed_ = context.DeclareTimer(TimerClock::kVehicle);
  // Lateness is not part of it: it says when a window closes, not what is in
  // it.
  const std::string meaning = "window_aggregate/2;size=" +
                              std::to_string(options_.windows.size().count()) +
                              ";" + Slide();
  TableSpec windows;
  windows.name = context.table_prefix + "windows";
  windows.fingerprint = Fingerprint(meaning + aggregates_.description());
  windows.heap_bytes = aggregates_.heap_bytes();
  panes_ = state_->Declare<Accumulators>(
      std::move(windows), [this](int64_t subkey, const Accumulators& pane) {
        return CheckPane(subkey, pane);
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

const char* WindowAggregate::CheckPane(int64_t subkey,
                                       const Accumulators& pane) const {
  const Timestamp start = FromEpochMillis(subkey);
  if (!IsRealStateTime(start)) return "a window out of range";
  if (options_.windows.PaneOf(start) != start) {
    return "a window that is not aligned";
  }
  return aggregates_.Check(pane, start, start + options_.windows.pane());
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

// Of windows that overlap the oldest one may be closed already: only "closed"
// knows, and that is read when the timer fires.
Status WindowAggregate::Start() {
  for (const auto& [vehicle, start] : state_->loaded(*panes_)) {
    const Timestamp end = options_.windows.FirstEnd(FromEpochMillis(start));
    if (end < passed_->order(vehicle)) Await(vehicle, end);
  }
  return Status::Ok();
}

void WindowAggregate::Await(VehicleIndex vehicle, Timestamp end) {
  silent_->Set(vehicle, end + idle_timeout_, end);
  passed_->Set(vehicle, end + options_.allowed_lateness, end);
}

bool WindowAggregate::AwaitNext(VehicleIndex vehicle, Timestamp closed) {
  silent_->Cancel(vehicle);
  passed_->Cancel(vehicle);
  for (auto pane = OldestPane(vehicle); pane; pane = OldestPane(vehicle)) {
    if (options_.windows.LastEnd(*pane) > closed) {
      Await(vehicle, options_.windows.FirstEndAfter(*pane, closed));
      return true;
    }
    panes_->Erase(vehicle, ToEpochMillis(*pane));
  }
  return false;
}

Status WindowAggregate::Process(const Batch& batch, RowRange& range,
                                Selection& selection, RowWriter& rows) {
  aggregates_.Bind(batch);
  rows_.clear();
  for (size_t& row = range.row; row < range.end; ++row) {
    if (selection[row] != 0) Assign(batch, row, rows);
    if (rows_.size() == kAggregateRows) AddRows();
  }
  AddRows();
  return Status::Ok();
}

void WindowAggregate::AddRows() {
  aggregates_.Add(rows_);
  rows_.clear();
}

// The vehicle's oldest window closes, and its next one is waited for.
Status WindowAggregate::OnTimer(const DueTimer& due, RowWriter& rows) {
  const Timestamp end = due.order;
  const bool overlapping = options_.windows.overlapping();
  if (overlapping) {
    const ClosedUntil* const closed = closed_->Find(due.vehicle);
    if (closed != nullptr && end <= closed->end) {
      AwaitNext(due.vehicle, closed->end);
      return Status::Ok();
    }
  }
  EmitWindow(due.vehicle, end, rows);
  const bool panes_left = AwaitNext(due.vehicle, end);
  if (due.timer == silent_ || (overlapping && panes_left)) {
    CloseUntil(due.vehicle, end);
  } else if (overlapping) {
    closed_->Erase(due.vehicle);  // The watermark has passed it.
  }
  return Status::Ok();
}

void WindowAggregate::CloseUntil(VehicleIndex vehicle, Timestamp end) {
  ClosedUntil& closed = closed_->Mutate(vehicle);
  closed.end = std::max(closed.end, end);
}

void WindowAggregate::EmitWindow(VehicleIndex vehicle, Timestamp end,
                                 RowWriter& rows) {
  const Timestamp start = end - options_.windows.size();
  const std::string_view vehicle_id = state_->VehicleId(vehicle);
  rows.BeginDue(vehicle, vehicle_id, end - Millis(1));
  rows.Text(vehicle_id);
  rows.Time(start);
  rows.Time(end);
  aggregates_.Emit(Folded(vehicle, start), rows);
  rows.End();
}

const Accumulators& WindowAggregate::Folded(VehicleIndex vehicle,
                                            Timestamp start) {
  if (!options_.windows.overlapping()) {
    const Accumulators* const window =
        panes_->Find(vehicle, ToEpochMillis(start));
    CHECK(window != nullptr);
    return *window;
  }
  aggregates_.Init(merged_);
  const int64_t end = ToEpochMillis(start + options_.windows.size());
  panes_->VisitUp(vehicle, ToEpochMillis(start),
                  [&](int64_t pane, const Accumulators& part) {
                    if (pane >= end) return false;
                    aggregates_.Merge(part, merged_);
                    return true;
                  });
  return merged_;
}

std::optional<Timestamp> WindowAggregate::OldestPane(VehicleIndex vehicle) {
  std::optional<Timestamp> oldest;
  panes_->VisitUp(vehicle, std::numeric_limits<int64_t>::min(),
                  [&](int64_t pane, const Accumulators&) {
                    oldest = FromEpochMillis(pane);
                    return false;
                  });
  return oldest;
}

// What is remembered of a vehicle ends with its clock entry.
Status WindowAggregate::OnForget(VehicleIndex vehicle, RowWriter&) {
  // Panes that are left have been in windows that are closed.
  if (!options_.windows.overlapping() || !OldestPane(vehicle)) {
    closed_->Erase(vehicle);
  }
  for (size_t i = 0; i < aggregates_.odometers().size(); ++i) {
    odometers_->Erase(vehicle, static_cast<int64_t>(i));
  }
  return Status::Ok();
}

Timestamp WindowAggregate::ClosedBefore(VehicleIndex vehicle,
                                        Timestamp watermark) {
  if (closed_->entries() == 0) return watermark;
  const ClosedUntil* const closed = closed_->Find(vehicle);
  if (closed == nullptr) return watermark;
  if (closed->end > watermark) return closed->end;
  // From here on the watermark says it all, but not to Start.
  if (!options_.windows.overlapping()) closed_->Erase(vehicle);
  return watermark;
}

void WindowAggregate::SetPane(Timestamp event_time) {
  pane_start_ = options_.windows.PaneOf(event_time);
  pane_end_ = pane_start_ + options_.windows.pane();
  first_end_ = options_.windows.FirstEnd(event_time);
  last_end_ = options_.windows.LastEnd(event_time);
}

void WindowAggregate::Assign(const Batch& batch, size_t row, RowWriter& rows) {
  const Timestamp event_time = batch.event_time[row];
  if (event_time < pane_start_ || event_time >= pane_end_) SetPane(event_time);
  const VehicleIndex vehicle = batch.vehicle[row];
  const Timestamp closed = ClosedBefore(
      vehicle, batch.vehicle_time[row] - options_.allowed_lateness);
  Timestamp end = first_end_;
  if (end <= closed) [[unlikely]] {
    end = options_.windows.FirstEndAfter(event_time, closed);
    rows.Late(row, first_end_ - options_.windows.size(),
              std::min(last_end_, end - options_.windows.slide()));
    if (last_end_ <= closed) return;
  }
  bool created;
  Accumulators& pane =
      panes_->Mutate(vehicle, ToEpochMillis(pane_start_), &created);
  if (created) {
    aggregates_.Init(pane);
    if (end > first_end_) CloseUntil(vehicle, end - options_.windows.slide());
    if (end < passed_->order(vehicle)) Await(vehicle, end);
  }
  // Its cells are wanted a few rows from here.
  __builtin_prefetch(pane.cells());
  __builtin_prefetch(pane.cells() + 8);
  rows_.push_back({row, &pane});
  if (odometers_ != nullptr) AddDistances(batch, row, pane);
}

void WindowAggregate::AddDistances(const Batch& batch, size_t row,
                                   Accumulators& pane) {
  for (size_t odometer = 0; odometer < aggregates_.odometers().size();
       ++odometer) {
    const Column& column = batch.columns[aggregates_.odometers()[odometer]];
    if (column.state[row] != CellState::kValid) continue;
    const int64_t step = Step(batch, row, odometer);
    for (const AggregateSet::Distance& distance : aggregates_.distances()) {
      if (distance.odometer == odometer) distance.Add(pane, step);
    }
  }
}

// The step that the row's reading adds to its pane, 0 if it has none to
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
  panes_ = nullptr;
  closed_ = nullptr;
  odometers_ = nullptr;
}

}  // namespace tacho
