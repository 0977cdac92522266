#pragma once

#include <string>
#include <vector>

#include "operators/aggregate_function.h"
#include "tests/support/test_lane.h"

namespace tacho {

// Every function over every signal of `schema` that it takes: FUNCTION and
// FUNCTION_SIGNAL. A new function is among them without being named.
inline std::vector<ParamValue> EveryAggregate(const SignalSchema& schema) {
  std::vector<ParamValue> out;
  for (const AggregateFunction& function : AggregateFunctions()) {
    const std::string name(function.name);
    if (function.of(nullptr) != nullptr) {
      out.push_back(Param(name, name + "()"));
    }
    for (size_t i = 0; i < schema.size(); ++i) {
      const Signal& signal = schema[i];
      if (function.of(&signal.type) == nullptr) continue;
      if (function.refuse != nullptr && !function.refuse(signal).empty()) {
        continue;
      }
      std::string text = name + "(";
      text += signal.name + ")";
      out.push_back(Param(name + "_" + signal.name, std::move(text)));
    }
  }
  return out;
}

}  // namespace tacho
