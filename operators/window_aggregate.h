#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operators/aggregate_set.h"
#include "operators/operator.h"
#include "operators/registry.h"
#include "operators/window_assigner.h"

namespace tacho {

// Folds the records of each vehicle into windows aligned to the epoch, and
// emits a window when no record can change it any more. A window that holds no
// record is not emitted.
//
// Windows that overlap (hopping) share panes (WindowAssigner): a record is
// added to its pane once, and a window is its panes merged in the order of
// time. So their sums are folds of panes, each a fold of records.
//
// A window of a vehicle closes at the first row where
//   the vehicle's watermark (its greatest event time minus allowed_lateness)
//   has reached the window's end, or
//   partition time has reached max(window end, last seen) +
//   vehicle_idle_timeout, last seen being that of the row before: the vehicle
//   is silent. Rows that a filter refused move time like any other.
// What closes at one row is emitted before the row is aggregated, ordered by
// (window end, vehicle bytes). A record is late for a window that ends at or
// before its vehicle's watermark, or at or before the end of a window of the
// vehicle that partition time has closed. The late output says which windows
// it missed, from the start of the first to the end of the last; it counts in
// those of its windows that are still open.
//
// distance(x): the reference of a vehicle is its valid reading of the greatest
// event time so far (ties: the later offset) among records that were neither
// refused nor late. A reading at or after the reference's time adds its step
// from the reference, if positive, to its own window, and becomes the
// reference. An older one adds nothing: the step across it is counted already.
// So the distances of a vehicle's windows add up to its positive steps. The
// reference is dropped with the vehicle, after vehicle_forget.
//
// State: "windows", key (vehicle, pane start in ms); "closed", key (vehicle,
// 0), the end of the last window that was closed: kept where the watermark does
// not say it, that is, after partition time has closed one, and while panes
// outlive a window; "odometers", key (vehicle, signal).
// Limits: kMaxWindow; kMaxOpenPanes of a vehicle by its own time. Closing at
// the end of input, or after a jump of partition time, reads every vehicle
// concerned into memory at once.
class WindowAggregate final : public Operator {
 public:
  static constexpr Millis kMaxWindow = std::chrono::hours(24 * 366);
  // (size + allowed_lateness) / pane.
  static constexpr int64_t kMaxOpenPanes = 10000;

  struct Options {
    WindowAssigner windows;
    Millis allowed_lateness;
  };
  WindowAggregate(const Options& options, AggregateSet aggregates);

  Status Open(OperatorContext& context) override;
  Status Start() override;
  Status Process(const Batch& batch, RowRange& range, Selection& selection,
                 RowWriter& rows) override;
  Status OnTimer(const DueTimer& due, RowWriter& rows) override;
  Status OnForget(VehicleIndex vehicle, RowWriter& rows) override;
  RowSchema OutputSchema() const override;
  Millis lateness() const override { return options_.allowed_lateness; }
  void Close() override;

 private:
  struct ClosedUntil {
    Timestamp end = kNoTime;
    void Reset() { *this = {}; }
    void Encode(ByteWriter& out) const { out.Time(end); }
    bool Decode(ByteReader& in) {
      end = in.Time();
      return in.ok();
    }
    static const char* Check(int64_t subkey, const ClosedUntil& value);
  };
  // Which member of the value counts is the signal's type.
  struct Reading {
    Timestamp at = kNoTime;
    Accumulators::Cell value{0};
    void Reset() { *this = {}; }
    void Encode(ByteWriter& out) const {
      out.Time(at);
      out.I64(value.i);
    }
    bool Decode(ByteReader& in) {
      at = in.Time();
      value.i = in.I64();
      return in.ok();
    }
  };
  const char* CheckPane(int64_t subkey, const Accumulators& pane) const;
  const char* CheckReading(int64_t subkey, const Reading& reading) const;

  std::string Slide() const;  // For the fingerprint.
  // The vehicle's oldest open window ends at `end`.
  void Await(VehicleIndex vehicle, Timestamp end);
  // Erases the panes that no window after `closed` holds; of the others the
  // oldest window that ends after it is waited for. False: there are none.
  bool AwaitNext(VehicleIndex vehicle, Timestamp closed);
  // Notes that no window that ends at or before this time is open.
  void CloseUntil(VehicleIndex vehicle, Timestamp end);
  void EmitWindow(VehicleIndex vehicle, Timestamp end, RowWriter& rows);
  const Accumulators& Folded(VehicleIndex vehicle, Timestamp start);
  std::optional<Timestamp> OldestPane(VehicleIndex vehicle);
  // No window of the vehicle that ends at or before this time is open.
  Timestamp ClosedBefore(VehicleIndex vehicle, Timestamp watermark);
  void SetPane(Timestamp event_time);
  void AddRows();
  // Adds the row to its pane, unless it is late for all of its windows.
  void Assign(const Batch& batch, size_t row, RowWriter& rows);
  void AddDistances(const Batch& batch, size_t row, Accumulators& pane);
  int64_t Step(const Batch& batch, size_t row, size_t odometer);

  Options options_;
  AggregateSet aggregates_;
  LaneState* state_ = nullptr;
  const SignalSchema* schema_ = nullptr;
  Millis idle_timeout_{0};
  StateTable<Accumulators>* panes_ = nullptr;
  StateTable<ClosedUntil>* closed_ = nullptr;
  StateTable<Reading>* odometers_ = nullptr;  // nullptr: no distance.

  // Both are of a vehicle's oldest open window, in the order of its end. Where
  // both are due the vehicle is silent: that is noted in "closed".
  Timer* silent_ = nullptr;
  Timer* passed_ = nullptr;  // Its watermark has passed the end.

  // The pane of the row before, and the ends of its first and last window: most
  // rows are in the same one.
  Timestamp pane_start_ = kNoTime;
  Timestamp pane_end_ = kNoTime;
  Timestamp first_end_ = kNoTime;
  Timestamp last_end_ = kNoTime;
  std::vector<AggregateRow> rows_;  // To be added; at most kAggregateRows.
  Accumulators merged_;             // The window that is emitted.
};

OperatorType WindowAggregateType();

}  // namespace tacho
