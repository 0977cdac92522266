#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "operators/deadline_queue.h"
#include "operators/expression.h"
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
// to the late output, with its own and the last sample's time for a window. An
// equally old one is a sample.
//
// Outputs: vehicle_id, name, event (open|close), id, start, end (null while
// open), duration_ms (to the sample that caused it), peak.
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
    Millis hold{0};
  };
  explicit Excursion(Options options) : options_(std::move(options)) {}

  Status Open(OperatorContext& context) override;
  Status Start() override;
  Status Process(const Batch& batch, Selection& selection,
                 Emitter& emitter) override;
  Status Advance(Timestamp partition_time, Emitter& emitter) override;
  std::vector<OutputField> OutputSchema() const override;
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
  };
  // What one sample says.
  struct Sample {
    Timestamp time;
    Truth when;
    Truth clear;
    bool has_peak;
    double peak;
  };
  // An entry whose vehicle is forgotten, or that the end of input ends.
  struct Closing {
    Timestamp due;
    VehicleIndex vehicle;
  };

  void Evaluate(const Batch& batch);
  Sample SampleAt(const Batch& batch, size_t row) const;
  void ProcessRow(const Batch& batch, size_t row, bool fresh, Emitter& emitter);
  void NoteRefused(const Batch& batch, size_t row, bool fresh);
  // True if the vehicle has just opened or closed: `state` is to be emitted.
  bool Take(const Sample& sample, State& state) const;
  bool Ripen(const Sample& sample, State& state) const;
  void AddPeak(const Sample& sample, State& state) const;

  Status CloseForgotten(const Batch* batch, int64_t row, Timestamp now,
                        Emitter& emitter);
  void EmitClosing(int64_t row, Emitter& emitter);
  void Emit(int64_t row, VehicleIndex vehicle, const State& state, Timestamp at,
            Emitter& emitter);

  State* Find(VehicleIndex vehicle);
  void Keep(VehicleIndex vehicle, const State& state, Timestamp now);
  void Drop(VehicleIndex vehicle);

  Options options_;
  LaneState* state_ = nullptr;
  const VehicleClock* clock_ = nullptr;
  Millis forget_{0};
  StateTable<State>* table_ = nullptr;

  // Derived from the table: who has an entry, and when it may be forgotten.
  std::vector<uint8_t> has_entry_;
  DeadlineQueue forgotten_;

  std::vector<Closing> closing_;

  // Of the batch being processed.
  std::vector<Truth> when_;
  std::vector<Truth> clear_;
  std::vector<double> peak_;
  std::vector<uint8_t> has_peak_;
  std::string id_;
};

OperatorType ExcursionType();

}  // namespace tacho
