#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "pipeline/decode/decoder_config.h"
#include "pipeline/decode/decoder_types.h"
#include "pipeline/decode/field_rules.h"
#include "pipeline/decode/refused.h"
#include "pipeline/decode/scan_plan.h"

namespace tacho {

// A list of named values per message: {"data": [{"key": NAME, "value": ...},
// ...]}, as feeds have it that send what has changed. The data of one time are
// one record. A datum that has another time than the one before it, or a signal
// that the record already has, begins the next record; data whose name no
// signal has are passed over. A message without data of ours is a record all
// the same: the vehicle was there at that time.
//
// A signal is invalid where its datum says so; a datum that has nothing where
// the signal's value should be is bad, as a wrong type is.
//
// A message that is wrong in several ways is refused for the first of these:
// the vehicle id, the message's event time (where the data have none), the
// list, then the data in order.
//
// Threading: one message at a time.
// Limits: those of the config; limits.records_per_message data.
class DatumsShape {
 public:
  static const ShapeType kType;

  explicit DatumsShape(const DecoderConfig& config);

  size_t signals() const { return rules_.signals.size(); }
  const ScanPlan& plan() const { return plan_; }

  template <typename Scanner>
  Refused Read(const Message& message, const Scanner& scanner,
               RecordWriter& writer, RejectSite& site);

 private:
  static constexpr size_t kNoPath = SIZE_MAX;

  // A signal, and where its value is in a datum.
  struct Target {
    size_t signal;
    size_t path;
  };
  // Those of one name: a part of `targets_`.
  struct Targets {
    size_t begin = 0;
    size_t end = 0;
  };
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };

  // The message that is being read.
  template <typename Scanner>
  struct Reading {
    const Message& message;
    const Scanner& scanner;
    RecordWriter& writer;
    RejectSite& site;
    std::string_view vehicle;
    std::optional<Timestamp> message_time;
    std::optional<Timestamp> record_time;  // Of the open record.
  };

  template <typename Scanner>
  Refused ReadMessageTime(Reading<Scanner>& in) const;
  template <typename Scanner>
  Refused ReadDatum(Reading<Scanner>& in, size_t row) const;
  template <typename Scanner>
  Refused ReadTime(Reading<Scanner>& in, size_t row, Timestamp& time) const;
  template <typename Scanner>
  Refused OpenRecord(Reading<Scanner>& in, Timestamp time) const;
  template <typename Scanner>
  Refused CloseRecord(Reading<Scanner>& in) const;
  template <typename Scanner>
  Refused ReadTarget(Reading<Scanner>& in, size_t row,
                     const Target& target) const;

  const Targets* Find(std::string_view name) const {
    const auto found = names_.find(name);
    return found == names_.end() ? nullptr : &found->second;
  }
  bool HasAny(const Targets& targets, const RecordWriter& writer) const;

  // What is said about what is refused; cold. `path` is of the plan.
  Refused NoteList(const JsonValue& value, RejectSite& site) const;
  Refused NoteTooMany(const JsonValue& value, RejectSite& site) const;
  Refused NoteName(const JsonValue& value, size_t row, Arena& arena,
                   RejectSite& site) const;
  std::string_view PathOf(size_t row, size_t path, Arena& arena) const;

  FieldRules rules_;
  ScanPlan plan_;
  size_t vehicle_path_ = 0;
  size_t message_time_path_ = 0;
  size_t list_path_ = 0;
  size_t name_path_ = 0;
  size_t time_path_ = kNoPath;
  size_t invalid_path_ = kNoPath;
  size_t list_scope_ = 0;
  std::vector<Target> targets_;
  std::unordered_map<std::string, Targets, Hash, std::equal_to<>> names_;
};

template <typename Scanner>
Refused DatumsShape::Read(const Message& message, const Scanner& scanner,
                          RecordWriter& writer, RejectSite& site) {
  Reading<Scanner> in{message, scanner, writer, site, {}, {}, {}};
  if (const Refused r =
          rules_.vehicle.Read(message, scanner.value(vehicle_path_),
                              writer.batch(), in.vehicle, site)) {
    return r;
  }
  if (time_path_ == kNoPath) {
    if (const Refused r = ReadMessageTime(in)) return r;
  }
  const JsonValue& list = scanner.value(list_path_);
  if (list.kind != JsonKind::kArray) return NoteList(list, site);
  if (scanner.too_many_elements()) return NoteTooMany(list, site);
  for (size_t row = 0; row < scanner.rows(list_scope_); ++row) {
    if (const Refused r = ReadDatum(in, row)) return r;
  }
  if (in.record_time.has_value()) return CloseRecord(in);
  if (const Refused r = ReadMessageTime(in)) return r;
  if (const Refused r = OpenRecord(in, *in.message_time)) return r;
  return CloseRecord(in);
}

template <typename Scanner>
Refused DatumsShape::ReadMessageTime(Reading<Scanner>& in) const {
  if (in.message_time.has_value()) return std::nullopt;
  Timestamp time;
  const Refused refused = rules_.event_time.Read(
      in.scanner.value(message_time_path_),
      plan_.paths[message_time_path_].pointer, in.message.log_time,
      in.writer.arena(), time, in.site);
  if (!refused.has_value()) in.message_time = time;
  return refused;
}

template <typename Scanner>
Refused DatumsShape::ReadDatum(Reading<Scanner>& in, size_t row) const {
  const JsonValue& name = in.scanner.value(name_path_, row);
  if (!IsText(name)) [[unlikely]] {
    return NoteName(name, row, in.writer.arena(), in.site);
  }
  const Targets* const targets = Find(PlainText(name, in.writer.arena()));
  if (targets == nullptr) return std::nullopt;
  Timestamp time;
  if (const Refused r = ReadTime(in, row, time)) return r;
  if (in.record_time != time || HasAny(*targets, in.writer)) {
    if (const Refused r = OpenRecord(in, time)) return r;
  }
  const bool is_invalid =
      invalid_path_ != kNoPath &&
      in.scanner.value(invalid_path_, row).kind == JsonKind::kTrue;
  for (size_t i = targets->begin; i < targets->end; ++i) {
    if (is_invalid) {
      in.writer.SetState(targets_[i].signal, CellState::kInvalid);
    } else if (const Refused r = ReadTarget(in, row, targets_[i])) {
      return r;
    }
  }
  return std::nullopt;
}

// The datum's own time, or the message's.
template <typename Scanner>
Refused DatumsShape::ReadTime(Reading<Scanner>& in, size_t row,
                              Timestamp& time) const {
  if (time_path_ != kNoPath) {
    const JsonValue& own = in.scanner.value(time_path_, row);
    if (own.kind > JsonKind::kNull) {
      const Refused refused = rules_.event_time.Read(
          own, {}, in.message.log_time, in.writer.arena(), time, in.site);
      if (refused.has_value()) [[unlikely]] {
        in.site.path = PathOf(row, time_path_, in.writer.arena());
      }
      return refused;
    }
    if (const Refused r = ReadMessageTime(in)) return r;
  }
  time = *in.message_time;
  return std::nullopt;
}

template <typename Scanner>
Refused DatumsShape::OpenRecord(Reading<Scanner>& in, Timestamp time) const {
  if (in.record_time.has_value()) {
    if (const Refused r = CloseRecord(in)) return r;
  }
  in.writer.StartRecord(in.vehicle, time);
  in.record_time = time;
  return std::nullopt;
}

template <typename Scanner>
Refused DatumsShape::CloseRecord(Reading<Scanner>& in) const {
  for (const size_t signal : rules_.signals.required()) {
    if (in.writer.state(signal) != CellState::kAbsent) continue;
    rules_.signals.Note(signal, {}, plan_.paths[list_path_].pointer,
                        RejectReason::kMissingField, in.site);
    return RejectReason::kMissingField;
  }
  in.writer.EndRecord();
  return std::nullopt;
}

template <typename Scanner>
Refused DatumsShape::ReadTarget(Reading<Scanner>& in, size_t row,
                                const Target& target) const {
  const JsonValue& value = in.scanner.value(target.path, row);
  const Refused refused =
      value.kind == JsonKind::kAbsent
          ? rules_.signals.ReadNothing(target.signal, in.writer)
          : rules_.signals.Read(target.signal, value, in.writer);
  if (refused.has_value()) [[unlikely]] {
    rules_.signals.Note(target.signal, value,
                        PathOf(row, target.path, in.writer.arena()), *refused,
                        in.site);
  }
  return refused;
}

}  // namespace tacho
