#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operators/expression/expression.h"
#include "operators/operator.h"
#include "operators/registry.h"

namespace tacho {

// Reports when a condition starts to hold for a vehicle, and when it ends.
//
//            when                   when, for passed
//   idle ──────────▶ pending ─────────────────────▶ open
//     ▲                │ not when                     │ clear, or forgotten
//     ├────────────────┘                              │
//     └───────────────────────────────────────────────┘
//
// A vehicle's records (those that no filter refused) are its samples, taken in
// event-time order; one sample takes one step, but with `for` passed it goes
// from idle to open at once. Unknown is neither true nor false: it moves
// nothing. `clear` defaults to `when` being false. What is open when its
// vehicle is forgotten, or at the end of the input, closes at its last sample.
//
// The peak is the extreme of `peak` over the samples from the start to the one
// before the end: the greatest if a greater value makes `when` true, otherwise
// the least. `peak` defaults to what `when` compares first (Condition::watched;
// null if there is no ordering comparison).
//
// A record older than its vehicle's last sample can't be put in order: it goes
// to the late output, with the last sample's time (tacho.last_sample). An
// equally old one is a sample.
//
// Outputs: vehicle_id, name, event (open|close), id, start, end (null while
// open), duration_ms (to the sample that caused it), peak. The id joins open
// and close: vehicle/name/start, start in epoch ms whatever the output's
// time_format, so that it does not change with how times are shown.
//
// State: "excursions", key (vehicle, 0). A vehicle has an entry while it is
// pending or open, or while its last sample is not its newest record (a filter
// refused that one); otherwise the clock knows its last sample. `when`, `for`
// and `clear` are not in the fingerprint: thresholds may be tuned; what is
// open then goes on under the new ones.
class Excursion final : public Operator {
 public:
  struct Options {
    std::string name;
    Condition when;
    std::optional<Condition> clear;
    std::optional<Quantity> peak;
    std::string peak_text;
    bool greatest = true;
    bool relative = true;  // The peak is, as in OutputField.
    Millis hold{0};
  };
  explicit Excursion(Options options) : options_(std::move(options)) {}

  Status Open(OperatorContext& context) override;
  Status Start() override;
  Status Process(const Batch& batch, RowRange& range, Selection& selection,
                 RowWriter& rows) override;
  Status OnForget(VehicleIndex vehicle, RowWriter& rows) override;
  Status OnEnd(VehicleIndex vehicle, RowWriter& rows) override;
  RowSchema OutputSchema() const override;
  void Close() override { table_ = nullptr; }

 private:
  enum class Phase : uint8_t { kIdle, kPending, kOpen };
  struct State {
    Phase phase = Phase::kIdle;
    bool has_peak = false;
    Timestamp start = kNoTime;
    Timestamp last_sample = kNoTime;  // kNoTime: none yet.
    double peak = 0;
    void Reset() { *this = {}; }
    void Encode(ByteWriter& out) const;
    bool Decode(ByteReader& in);
    static const char* Check(int64_t subkey, const State& state);
  };
  // What one sample says.
  struct Sample {
    Timestamp time;
    Truth when;
    Truth clear;
    bool has_peak;
    double peak;
  };

  void Evaluate(const Batch& batch, const RowRange& range);
  Sample SampleAt(const Batch& batch, size_t row) const;
  void ProcessRow(const Batch& batch, size_t row, bool fresh, RowWriter& rows);
  void NoteRefused(const Batch& batch, size_t row, bool fresh);
  // True if the vehicle has just opened or closed: `state` is to be emitted.
  bool Take(const Sample& sample, State& state) const;
  bool Ripen(const Sample& sample, State& state) const;
  void AddPeak(const Sample& sample, State& state) const;

  // Closes at its last sample what is open.
  void CloseIfOpen(VehicleIndex vehicle, State& state, RowWriter& rows);
  // The cells of a row that has begun.
  void Emit(std::string_view vehicle_id, const State& state, Timestamp at,
            RowWriter& rows);

  const State* Find(VehicleIndex vehicle);
  void Keep(VehicleIndex vehicle, const State& state);
  void Drop(VehicleIndex vehicle);

  Options options_;
  LaneState* state_ = nullptr;
  const VehicleClock* clock_ = nullptr;
  Millis forget_{0};
  StateTable<State>* table_ = nullptr;

  // Derived from the table: who has an entry, and when it is forgotten.
  std::vector<uint8_t> has_entry_;
  Timer* forgotten_ = nullptr;

  // Of the batch being processed.
  std::vector<Truth> when_;
  std::vector<Truth> clear_;
  std::vector<double> peak_;
  std::vector<uint8_t> has_peak_;
  std::string id_;
};

OperatorType ExcursionType();

}  // namespace tacho
