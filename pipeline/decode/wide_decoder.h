#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "pipeline/decode/decoder.h"
#include "pipeline/decode/json_scanner.h"

namespace tacho {

// One JSON object per message, one record per object.
//
// A message that is wrong in several ways is refused for the first of these:
// its JSON (as JsonScanner orders it; a tombstone is not_an_object), the
// vehicle id, the event time (form, then min, max and the clock guard), the
// signals in schema order.
//
// Threading: one batch at a time.
// Limits: those of the config; allocates nothing per message after warm-up.
class WideDecoder final : public Decoder {
 public:
  explicit WideDecoder(const DecoderConfig& config);

  void Decode(Batch& batch) override;

 private:
  using Refusal = std::optional<RejectReason>;

  // What reading one signal needs, and where its cells are in the batch being
  // decoded. The bounds are finite.
  struct Reader {
    SignalType type;
    bool required;
    bool allow_string;
    OnBad on_bad;
    Unit unit;
    double min;
    double max;
    size_t path;  // Of the scanner.
    CellState* state = nullptr;
    double* doubles = nullptr;
    int64_t* ints = nullptr;
    uint8_t* bools = nullptr;
    std::string_view* strings = nullptr;
  };

  void BindColumns(Batch& batch);
  Refusal DecodeMessage(const Message& message, Batch& batch);
  Refusal ReadVehicle(const Message& message, Batch& batch);
  Refusal ReadEventTime(const Message& message, Batch& batch);
  Refusal CheckClock(Timestamp time, Timestamp log_time) const;
  Refusal ReadSignals(Batch& batch);
  // Fills row `row` of the reader's column with a value that is there.
  Refusal ReadValue(const Reader& reader, const JsonValue& value, size_t row,
                    Arena& arena) const;
  Refusal ReadDouble(const Reader& reader, std::string_view number,
                     size_t row) const;
  Refusal ReadInt64(const Reader& reader, std::string_view number,
                    size_t row) const;

  EventTimeSource event_time_;
  DecodeLimits limits_;
  bool vehicle_is_key_;
  size_t vehicle_path_ = 0;
  size_t event_time_path_ = 0;
  std::vector<Reader> readers_;
  JsonScanner scanner_;
};

}  // namespace tacho
