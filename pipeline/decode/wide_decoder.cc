#include "pipeline/decode/wide_decoder.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "pipeline/base/check.h"
#include "pipeline/decode/json_scalars.h"
#include "pipeline/decode/timestamp_parser.h"

namespace tacho {
namespace {

constexpr double kMaxDouble = std::numeric_limits<double>::max();
constexpr Unit kAsIs{"", Dimension::kNone, 0, 1};

// The scanner's paths: event time, signals in schema order, vehicle id.
std::vector<std::string> PathsOf(const DecoderConfig& config) {
  std::vector<std::string> paths;
  paths.push_back(config.event_time.path);
  for (const SignalSource& source : config.signals) {
    paths.push_back(source.path);
  }
  if (!config.vehicle_path.empty()) paths.push_back(config.vehicle_path);
  return paths;
}

bool IsText(const JsonValue& value) {
  return value.kind == JsonKind::kText || value.kind == JsonKind::kEscapedText;
}

// The text without its escapes: a view into the message, or into the arena if
// there are any.
std::string_view PlainText(const JsonValue& value, Arena& arena) {
  if (value.kind == JsonKind::kText) return value.text();
  char* const out = arena.Allocate(value.size);
  return {out, Unescape(value.text(), out)};
}

// Whole numbers stay whole: a unit that does not is rounded to even.
IntResult Convert(const Unit& unit, int64_t& value) {
  if (unit.zero == 0 && unit.factor == unit.divisor) return IntResult::kOk;
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  const double inside =
      std::nearbyint(unit.ToInside(static_cast<double>(value)));
  if (!(inside >= -kLimit && inside < kLimit)) return IntResult::kOutOfRange;
  value = static_cast<int64_t>(inside);
  return IntResult::kOk;
}

}  // namespace

WideDecoder::WideDecoder(const DecoderConfig& config)
    : event_time_(config.event_time),
      limits_(config.limits),
      vehicle_is_key_(config.vehicle_path.empty()),
      vehicle_path_(config.signals.size() + 1),
      scanner_(PathsOf(config),
               {config.limits.message_bytes, config.limits.depth}) {
  for (const SignalSource& source : config.signals) {
    Reader reader;
    reader.type = source.signal.type;
    reader.required = source.required;
    reader.allow_string = source.allow_string;
    reader.on_bad = source.on_bad;
    reader.unit = source.unit == nullptr ? kAsIs : *source.unit;
    // Finite bounds also refuse what a conversion takes to infinity.
    reader.min = std::max(source.min, -kMaxDouble);
    reader.max = std::min(source.max, kMaxDouble);
    reader.path = readers_.size() + 1;
    readers_.push_back(reader);
  }
}

void WideDecoder::Decode(Batch& batch) {
  DCHECK(batch.columns.size() == readers_.size());
  batch.Reserve(batch.records() + batch.messages.size());
  BindColumns(batch);
  for (size_t i = 0; i < batch.messages.size(); ++i) {
    const auto index = static_cast<uint32_t>(i);
    const Refusal refused = DecodeMessage(batch.messages[i], batch);
    if (refused.has_value()) [[unlikely]] {
      batch.rejects.push_back({index, *refused});
    } else {
      batch.message_index[batch.records()] = index;
      batch.CommitRow();
    }
  }
}

void WideDecoder::BindColumns(Batch& batch) {
  for (size_t i = 0; i < readers_.size(); ++i) {
    Column& column = batch.columns[i];
    readers_[i].state = column.state.data();
    readers_[i].doubles = column.doubles.data();
    readers_[i].ints = column.ints.data();
    readers_[i].bools = column.bools.data();
    readers_[i].strings = column.strings.data();
  }
}

WideDecoder::Refusal WideDecoder::DecodeMessage(const Message& message,
                                                Batch& batch) {
  if (message.value.data() == nullptr) return RejectReason::kNotAnObject;
  if (const Refusal r = scanner_.Scan(message.value)) return r;
  if (const Refusal r = ReadVehicle(message, batch)) return r;
  if (const Refusal r = ReadEventTime(message, batch)) return r;
  return ReadSignals(batch);
}

WideDecoder::Refusal WideDecoder::ReadVehicle(const Message& message,
                                              Batch& batch) {
  std::string_view id = message.key;
  if (!vehicle_is_key_) {
    const JsonValue& value = scanner_.value(vehicle_path_);
    if (value.kind == JsonKind::kAbsent || value.kind == JsonKind::kNull) {
      return RejectReason::kMissingField;
    }
    if (!IsText(value)) return RejectReason::kWrongType;
    id = PlainText(value, batch.arena);
  }
  if (id.empty()) return RejectReason::kMissingField;
  if (id.size() > limits_.vehicle_id_bytes) return RejectReason::kTooLarge;
  if (vehicle_is_key_ && !IsUtf8(id)) return RejectReason::kInvalidUtf8;
  batch.vehicle_id[batch.records()] = id;
  return std::nullopt;
}

WideDecoder::Refusal WideDecoder::ReadEventTime(const Message& message,
                                                Batch& batch) {
  const JsonValue& value = scanner_.value(event_time_path_);
  Timestamp& time = batch.event_time[batch.records()];
  Refusal refused = RejectReason::kWrongType;
  if (value.kind == JsonKind::kNumber) {
    refused = ParseEpoch(value.text(), event_time_.format, time);
  } else if (value.kind == JsonKind::kAbsent || value.kind == JsonKind::kNull) {
    refused = RejectReason::kMissingField;
  } else if (IsText(value)) {
    refused = ParseIso8601(PlainText(value, batch.arena), time);
  }
  return refused.has_value() ? refused : CheckClock(time, message.log_time);
}

WideDecoder::Refusal WideDecoder::CheckClock(Timestamp time,
                                             Timestamp log_time) const {
  if (time < event_time_.min) return RejectReason::kClockPast;
  if (time > event_time_.max) return RejectReason::kClockFuture;
  if (!event_time_.clock_guard) return std::nullopt;
  if (log_time == kNoLogTime) return RejectReason::kNoLogTime;
  // The log time may be the producer's, that is, any int64.
  int64_t latest = 0;
  if (__builtin_add_overflow(ToEpochMillis(log_time),
                             event_time_.max_future_skew.count(), &latest)) {
    return std::nullopt;
  }
  if (ToEpochMillis(time) > latest) return RejectReason::kClockFuture;
  return std::nullopt;
}

WideDecoder::Refusal WideDecoder::ReadSignals(Batch& batch) {
  const size_t row = batch.records();
  for (const Reader& reader : readers_) {
    const JsonValue& value = scanner_.value(reader.path);
    Refusal refused;
    if (value.kind > JsonKind::kNull) [[likely]] {
      refused = ReadValue(reader, value, row, batch.arena);
      if (refused.has_value() && reader.on_bad == OnBad::kInvalid) {
        reader.state[row] = CellState::kInvalid;
        continue;
      }
      reader.state[row] = CellState::kValid;
    } else if (reader.required) {
      refused = RejectReason::kMissingField;
    } else if (value.kind == JsonKind::kNull) {
      reader.state[row] = CellState::kNull;
    }
    if (refused.has_value()) [[unlikely]] {
      batch.ClearRow();
      return refused;
    }
  }
  return std::nullopt;
}

WideDecoder::Refusal WideDecoder::ReadValue(const Reader& reader,
                                            const JsonValue& value, size_t row,
                                            Arena& arena) const {
  if (reader.type == SignalType::kBool) {
    if (value.kind != JsonKind::kTrue && value.kind != JsonKind::kFalse) {
      return RejectReason::kWrongType;
    }
    reader.bools[row] = value.kind == JsonKind::kTrue;
    return std::nullopt;
  }
  if (reader.type == SignalType::kString) {
    if (!IsText(value)) return RejectReason::kWrongType;
    const std::string_view text = PlainText(value, arena);
    if (text.size() > limits_.string_bytes) return RejectReason::kTooLarge;
    reader.strings[row] = text;
    return std::nullopt;
  }
  std::string_view number = value.text();
  if (value.kind != JsonKind::kNumber) {
    if (!reader.allow_string || !IsText(value)) return RejectReason::kWrongType;
    number = PlainText(value, arena);
    if (!IsJsonNumber(number)) return RejectReason::kWrongType;
  }
  return reader.type == SignalType::kDouble ? ReadDouble(reader, number, row)
                                            : ReadInt64(reader, number, row);
}

WideDecoder::Refusal WideDecoder::ReadDouble(const Reader& reader,
                                             std::string_view number,
                                             size_t row) const {
  const std::optional<double> sent = ToDouble(number);
  if (!sent.has_value()) return RejectReason::kOutOfRange;
  const double inside = reader.unit.ToInside(*sent);
  if (!(inside >= reader.min && inside <= reader.max)) {
    return RejectReason::kOutOfRange;
  }
  reader.doubles[row] = inside;
  return std::nullopt;
}

WideDecoder::Refusal WideDecoder::ReadInt64(const Reader& reader,
                                            std::string_view number,
                                            size_t row) const {
  int64_t value = 0;
  IntResult result = ToInt64(number, value);
  if (result == IntResult::kOk) result = Convert(reader.unit, value);
  if (result == IntResult::kNotAnInteger) return RejectReason::kWrongType;
  const auto inside = static_cast<double>(value);
  if (result == IntResult::kOutOfRange || inside < reader.min ||
      inside > reader.max) {
    return RejectReason::kOutOfRange;
  }
  reader.ints[row] = value;
  return std::nullopt;
}

}  // namespace tacho
