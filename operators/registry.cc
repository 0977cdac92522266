#include "operators/registry.h"

#include <algorithm>

#include "operators/excursion.h"
#include "operators/filter.h"
#include "operators/last_value.h"
#include "operators/project.h"
#include "operators/window_aggregate.h"
#include "pipeline/base/duration.h"

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

const ParamDef* FindParam(const std::vector<ParamDef>& params,
                          std::string_view name) {
  for (const ParamDef& def : params) {
    if (def.name == name) return &def;
  }
  return nullptr;
}

namespace {

ParamValue DefaultOf(const ParamDef& def, int mark) {
  ParamValue value;
  value.name = std::string(def.name);
  value.mark = mark;
  if (def.kind == ParamKind::kGroup) return value;
  value.text = std::string(def.default_text);
  if (def.kind == ParamKind::kDuration) {
    value.duration = *ParseDuration(value.text);
  }
  return value;
}

}  // namespace

void FillDefaults(const std::vector<ParamDef>& params, int mark,
                  std::vector<ParamValue>& values) {
  for (const ParamDef& def : params) {
    const auto given =
        std::find_if(values.begin(), values.end(),
                     [&](const ParamValue& v) { return v.name == def.name; });
    ParamValue* value = given == values.end() ? nullptr : &*given;
    if (value == nullptr && !def.default_text.empty()) {
      value = &values.emplace_back(DefaultOf(def, mark));
    }
    if (value == nullptr) continue;
    // A choice's children have no defaults, but what is in them may.
    if (def.kind == ParamKind::kGroup || def.kind == ParamKind::kChoice) {
      FillDefaults(def.children, value->mark, value->children);
    }
  }
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
