#include "pipeline/job/file/signal_reader.h"

#include <optional>
#include <string_view>

#include "pipeline/job/scalars.h"

namespace tacho {
namespace {

bool IsNumber(SignalType type) {
  return type == SignalType::kDouble || type == SignalType::kInt64;
}

struct Bound {
  double value = 0;
  std::optional<int64_t> whole;  // Of an int64: exact.
};

// Nobody can tell what a bare number means where the feed has another unit
// than the dimension's own. Zero is the same in both, if their zeros are.
bool IsAmbiguous(double number, const SignalSource& signal) {
  const Unit* const unit = signal.signal.feed_unit;
  return unit != nullptr && (number != 0 || unit->zero != 0);
}

std::optional<Bound> ReadBound(const std::string& path, const BoundText& text,
                               const SignalSource& signal,
                               Diagnostics& diagnostics) {
  const auto fail = [&](const std::string& message) {
    diagnostics.Error(text.origin, path + ": " + message);
    return std::nullopt;
  };
  const Result<WrittenQuantity> quantity = ParseQuantity(text.text);
  if (!quantity.ok()) return fail(quantity.status().message());
  const Unit* const unit = quantity->unit;
  if (unit == nullptr && IsAmbiguous(quantity->value, signal)) {
    const Unit& feed = *signal.signal.feed_unit;
    return fail("this number has no unit, and the feed sends " +
                std::string(feed.name) + ": " +
                BothSpellings(quantity->value, feed));
  }
  const Dimension dimension = signal.signal.dimension;
  if (unit != nullptr && unit->dimension != dimension) {
    const std::string name(unit->name);
    return fail(dimension == Dimension::kNone
                    ? "the signal has no unit; write unit: " + name
                    : "'" + name + "' is not a unit of " +
                          std::string(DimensionName(dimension)));
  }
  if (unit == nullptr || unit->is_canonical()) {
    return Bound{quantity->value, quantity->whole};
  }
  return Bound{unit->ToCanonical(quantity->value), std::nullopt};
}

bool IsBelow(const SignalSource& signal) {
  if (signal.signal.type == SignalType::kInt64 && signal.whole_min &&
      signal.whole_max) {
    return *signal.whole_max < *signal.whole_min;
  }
  return signal.max < signal.min;
}

void FinishBounds(const std::string& path, JobDraft& draft,
                  Diagnostics& diagnostics) {
  SignalSource& signal = *draft.signal;
  if (draft.signal_min.given) {
    const auto min =
        ReadBound(path + ".min", draft.signal_min, signal, diagnostics);
    if (min) signal.min = min->value;
    if (min) signal.whole_min = min->whole;
  }
  if (draft.signal_max.given) {
    const auto max =
        ReadBound(path + ".max", draft.signal_max, signal, diagnostics);
    if (max) signal.max = max->value;
    if (max) signal.whole_max = max->whole;
  }
  if (IsBelow(signal)) {
    diagnostics.Error(draft.signal_max.origin,
                      path + ".max: " + draft.signal_max.text +
                          " is below the minimum " + draft.signal_min.text);
  }
}

void RefuseKeys(const std::string& path, const OriginIndex& origins,
                const SignalSource& signal, Diagnostics& diagnostics) {
  const SignalType type = signal.signal.type;
  const auto refuse = [&](const char* key) {
    const std::string key_path = path + "." + key;
    if (!origins.Has(key_path)) return;
    diagnostics.Error(
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

void FinishNumber(const std::string& path, const OriginIndex& origins,
                  JobDraft& draft, Diagnostics& diagnostics) {
  Signal& signal = draft.signal->signal;
  const Unit* const unit = draft.signal->unit;
  if (unit != nullptr && !unit->is_canonical()) {
    signal.feed_unit = unit;
    if (signal.type == SignalType::kInt64) {
      diagnostics.Error(origins.Find(path + ".unit"),
                        path + ".unit: " + std::string(unit->name) +
                            " is converted to " +
                            std::string(CanonicalUnit(unit->dimension)) +
                            ", which whole numbers do not survive; write "
                            "type: double");
    }
  }
  FinishBounds(path, draft, diagnostics);
}

}  // namespace

void BeginSignal(JobDraft& draft, const std::string& name) {
  draft.signal = &draft.job.decode.signals.emplace_back();
  draft.signal->signal.name = name;
  draft.signal_min = {};
  draft.signal_max = {};
}

void EndSignal(JobDraft& draft, const std::string& path,
               const OriginIndex& origins, Diagnostics& diagnostics) {
  Signal& signal = draft.signal->signal;
  RefuseKeys(path, origins, *draft.signal, diagnostics);
  if (IsNumber(signal.type)) {
    FinishNumber(path, origins, draft, diagnostics);
  } else {
    signal.dimension = Dimension::kNone;
  }
  draft.signal = nullptr;
}

}  // namespace tacho
