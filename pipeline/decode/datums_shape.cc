#include "pipeline/decode/datums_shape.h"

#include <algorithm>
#include <charconv>

namespace tacho {
namespace {

constexpr ShapeKey kKeys[] = {
    {"input.data", true},
    {"input.name", true},
    {"input.value", true},
    {"input.time", false},
    {"input.invalid", false},
    {"input.signals.*.name", true},
    {"input.signals.*.path", false},
};

}  // namespace

const ShapeType DatumsShape::kType = {
    .name = "datums",
    .help = "a list of named values; those of one time are one record",
    .keys = kKeys,
};

DatumsShape::DatumsShape(const DecoderConfig& config) : rules_(config) {
  const DatumsSource& datums = config.datums;
  message_time_path_ = plan_.AddPath(config.event_time.path);
  vehicle_path_ = config.vehicle_path.empty()
                      ? message_time_path_  // Not looked at.
                      : plan_.AddPath(config.vehicle_path);
  list_path_ = plan_.AddPath(datums.list_path);
  list_scope_ = plan_.AddArray(datums.list_path);
  name_path_ = plan_.AddPath(datums.name_path, list_scope_);
  if (!datums.time_path.empty()) {
    time_path_ = plan_.AddPath(datums.time_path, list_scope_);
  }
  if (!datums.invalid_path.empty()) {
    invalid_path_ = plan_.AddPath(datums.invalid_path, list_scope_);
  }
  for (const SignalSource& source : config.signals) {
    Targets& targets = names_[source.name];
    if (targets.end != 0) continue;  // All of its name are there.
    targets.begin = targets_.size();
    for (size_t i = 0; i < config.signals.size(); ++i) {
      const SignalSource& other = config.signals[i];
      if (other.name != source.name) continue;
      const std::string& path =
          other.path.empty() ? datums.value_path : other.path;
      targets_.push_back({i, plan_.AddPath(path, list_scope_)});
    }
    targets.end = targets_.size();
  }
}

bool DatumsShape::HasAny(const Targets& targets,
                         const RecordWriter& writer) const {
  return std::any_of(targets_.begin() + static_cast<ptrdiff_t>(targets.begin),
                     targets_.begin() + static_cast<ptrdiff_t>(targets.end),
                     [&](const Target& target) {
                       return writer.state(target.signal) != CellState::kAbsent;
                     });
}

Refused DatumsShape::NoteList(const JsonValue& value, RejectSite& site) const {
  NoteFound(value, "an array of data", site);
  site.path = plan_.paths[list_path_].pointer;
  return value.kind <= JsonKind::kNull ? RejectReason::kMissingField
                                       : RejectReason::kWrongType;
}

Refused DatumsShape::NoteTooMany(const JsonValue& value,
                                 RejectSite& site) const {
  NoteFound(value, "at most limits.records_per_message data", site);
  site.path = plan_.paths[list_path_].pointer;
  return RejectReason::kTooLarge;
}

Refused DatumsShape::NoteName(const JsonValue& value, size_t row, Arena& arena,
                              RejectSite& site) const {
  NoteFound(value, "the datum's name, a text", site);
  site.path = PathOf(row, name_path_, arena);
  return value.kind <= JsonKind::kNull ? RejectReason::kMissingField
                                       : RejectReason::kWrongType;
}

// "/data/3/value"
std::string_view DatumsShape::PathOf(size_t row, size_t path,
                                     Arena& arena) const {
  const std::string& list = plan_.paths[list_path_].pointer;
  const std::string& inside = plan_.paths[path].pointer;
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, row).ptr;
  const auto digits_size = static_cast<size_t>(end - digits);
  const size_t size = list.size() + 1 + digits_size + inside.size();
  char* const text = arena.Allocate(size);
  char* out = std::copy(list.begin(), list.end(), text);
  *out++ = '/';
  out = std::copy(digits, end, out);
  std::copy(inside.begin(), inside.end(), out);
  return {text, size};
}

}  // namespace tacho
