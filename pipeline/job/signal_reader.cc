#include "pipeline/job/signal_reader.h"

#include <charconv>
#include <optional>
#include <string_view>

#include "pipeline/job/scalars.h"

namespace tacho {
namespace {

std::string Shortest(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return std::string(text, end);
}

// Whether numbers in `unit` stay as they are.
bool IsInside(const Unit& unit) {
  return unit.ToInside(0) == 0 && unit.ToInside(1) == 1;
}

bool IsNumber(SignalType type) {
  return type == SignalType::kDouble || type == SignalType::kInt64;
}

// A bare number is in the dimension's unit; where the feed has another, that
// is easily mistaken.
void WarnIfAmbiguous(const std::string& path, const BoundText& bound,
                     double value, const SignalSource& signal,
                     Complaints& complaints) {
  if (signal.unit == nullptr || IsInside(*signal.unit)) return;
  const std::string inside(InsideUnit(signal.unit->dimension));
  complaints.Warning(bound.origin, path + ": a bare number is in " + inside +
                                       ", while the feed sends " +
                                       std::string(signal.unit->name) +
                                       "; write '" + Shortest(value) + " " +
                                       inside + "'");
}

std::optional<double> ReadBound(const std::string& path, const BoundText& bound,
                                const SignalSource& signal,
                                Complaints& complaints) {
  const Result<WrittenQuantity> quantity = ParseQuantity(bound.text);
  if (!quantity.ok()) {
    complaints.Error(bound.origin, path + ": " + quantity.status().message());
    return std::nullopt;
  }
  if (quantity->unit == nullptr) {
    WarnIfAmbiguous(path, bound, quantity->value, signal, complaints);
    return quantity->value;
  }
  const Dimension dimension = signal.signal.dimension;
  if (quantity->unit->dimension != dimension) {
    const std::string unit(quantity->unit->name);
    complaints.Error(bound.origin,
                     path + ": " +
                         (dimension == Dimension::kNone
                              ? "the signal has no unit; write unit: " + unit
                              : "'" + unit + "' is not a unit of " +
                                    std::string(DimensionName(dimension))));
    return std::nullopt;
  }
  return quantity->unit->ToInside(quantity->value);
}

void FinishBounds(const std::string& path, JobDraft& draft,
                  Complaints& complaints) {
  SignalSource& signal = *draft.signal;
  if (draft.signal_min.given) {
    const auto min =
        ReadBound(path + ".min", draft.signal_min, signal, complaints);
    if (min) signal.min = *min;
  }
  if (draft.signal_max.given) {
    const auto max =
        ReadBound(path + ".max", draft.signal_max, signal, complaints);
    if (max) signal.max = *max;
  }
  if (signal.min > signal.max) {
    complaints.Error(draft.signal_max.origin,
                     path + ".max: " + draft.signal_max.text +
                         " is below the minimum " + draft.signal_min.text);
  }
}

void RefuseKeys(const std::string& path, const OriginIndex& origins,
                const SignalSource& signal, Complaints& complaints) {
  const SignalType type = signal.signal.type;
  const auto refuse = [&](const char* key) {
    const std::string key_path = path + "." + key;
    if (!origins.Has(key_path)) return;
    complaints.Error(
        origins.Find(key_path),
        key_path + ": has no meaning for type " + SignalTypeName(type));
  };
  if (!IsNumber(type)) {
    refuse("unit");
    refuse("min");
    refuse("max");
  }
  if (type == SignalType::kString) refuse("allow_string");
}

}  // namespace

void FinishSignal(const std::string& path, const OriginIndex& origins,
                  JobDraft& draft, Complaints& complaints) {
  SignalSource& signal = *draft.signal;
  RefuseKeys(path, origins, signal, complaints);
  if (!IsNumber(signal.signal.type)) {
    signal.signal.dimension = Dimension::kNone;
    return;
  }
  const Unit* unit = signal.unit;
  if (signal.signal.type == SignalType::kInt64 && unit != nullptr &&
      !IsInside(*unit)) {
    complaints.Error(origins.Find(path + ".unit"),
                     path + ".unit: " + std::string(unit->name) +
                         " is converted to " +
                         std::string(InsideUnit(unit->dimension)) +
                         ", which whole numbers do not survive; write type: "
                         "double");
  }
  FinishBounds(path, draft, complaints);
}

}  // namespace tacho
