#include "operators/aggregate_function.h"

namespace tacho {

const std::vector<AggregateFunction>& AggregateFunctions() {
  // Never destroyed: aggregates refer to it until the process ends.
  static const auto* const functions = new std::vector<AggregateFunction>{
      CountFunction(), SumFunction(),   MinFunction(),  MaxFunction(),
      MeanFunction(),  FirstFunction(), LastFunction(), DistanceFunction()};
  return *functions;
}

const AggregateFunction* FindAggregateFunction(std::string_view name) {
  for (const AggregateFunction& function : AggregateFunctions()) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

}  // namespace tacho
