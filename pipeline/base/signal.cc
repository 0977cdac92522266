#include "pipeline/base/signal.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace tacho {

const char* SignalTypeName(SignalType type) {
  switch (type) {
    case SignalType::kDouble:
      return "double";
    case SignalType::kInt64:
      return "int64";
    case SignalType::kBool:
      return "bool";
    case SignalType::kString:
      return "string";
  }
  return "unknown";
}

SignalSchema::SignalSchema(std::vector<Signal> signals)
    : signals_(std::move(signals)), by_name_(signals_.size()) {
  std::iota(by_name_.begin(), by_name_.end(), 0u);
  std::ranges::stable_sort(by_name_, {}, [this](uint32_t i) {
    return std::string_view(signals_[i].name);
  });
}

std::optional<size_t> SignalSchema::Find(std::string_view name) const {
  const auto name_of = [this](uint32_t i) {
    return std::string_view(signals_[i].name);
  };
  const auto found = std::ranges::lower_bound(by_name_, name, {}, name_of);
  if (found == by_name_.end() || name_of(*found) != name) return std::nullopt;
  return *found;
}

}  // namespace tacho
