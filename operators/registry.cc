#include "operators/registry.h"

#include "operators/excursion.h"
#include "operators/filter.h"
#include "operators/last_value.h"
#include "operators/project.h"
#include "operators/window_aggregate.h"

namespace tacho {

const std::vector<OperatorType>& OperatorTypes() {
  // Never destroyed: jobs refer to it until the process ends.
  static const auto* const types = new std::vector<OperatorType>{
      ExcursionType(), FilterType(), LastValueType(), ProjectType(),
      WindowAggregateType()};
  return *types;
}

const OperatorType* FindOperatorType(std::string_view name) {
  for (const OperatorType& type : OperatorTypes()) {
    if (type.name == name) return &type;
  }
  return nullptr;
}

const ParamDef* FindParam(const OperatorType& type, std::string_view name) {
  for (const ParamDef& def : type.params) {
    if (def.name == name) return &def;
  }
  return nullptr;
}

SignalSchema ColumnsAfter(const Operator& made, const SignalSchema& before) {
  const RowSchema rows = made.OutputSchema();
  return rows.empty() ? before : ColumnsOf(rows);
}

std::vector<std::unique_ptr<Operator>> MakeOperators(
    const std::vector<OperatorConfig>& configs, const SignalSchema& schema,
    const StreamSettings& settings, std::vector<ParamError>& errors) {
  std::vector<std::unique_ptr<Operator>> operators;
  SignalSchema columns = schema;
  for (const OperatorConfig& config : configs) {
    auto made = config.type->make(config.params, columns, settings, errors);
    if (made == nullptr) return {};
    columns = ColumnsAfter(*made, columns);
    operators.push_back(std::move(made));
  }
  return operators;
}

}  // namespace tacho
