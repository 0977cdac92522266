#include "operators/registry.h"

#include "operators/excursion.h"
#include "operators/filter.h"
#include "operators/window_aggregate.h"

namespace tacho {

const std::vector<OperatorType>& OperatorTypes() {
  // Never destroyed: jobs refer to it until the process ends.
  static const auto* const types = new std::vector<OperatorType>{
      ExcursionType(), FilterType(), WindowAggregateType()};
  return *types;
}

const OperatorType* FindOperatorType(std::string_view name) {
  for (const OperatorType& type : OperatorTypes()) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

}  // namespace tacho
