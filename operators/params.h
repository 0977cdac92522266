#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "operators/expression/expression.h"
#include "operators/registry.h"
#include "pipeline/base/check.h"

namespace tacho {

// Finds a parameter that must be there; an error at the operator if it is not.
inline const ParamValue* RequireParam(const OperatorParams& params,
                                      std::string_view name,
                                      std::vector<ParamError>& errors) {
  const ParamValue* const value = params.Find(name);
  if (value == nullptr) {
    errors.push_back(
        {params.mark, 0, "missing parameter \"" + std::string(name) + "\""});
  }
  return value;
}

// A child of a group that is required or has a default: the parser sees to it.
inline const ParamValue& ChildParam(const ParamValue& group,
                                    std::string_view name) {
  const ParamValue* const value = group.Find(name);
  CHECK(value != nullptr);
  return *value;
}

// A parameter that has a default: it is always there.
inline const ParamValue& DefaultedParam(const OperatorParams& params,
                                        std::string_view name) {
  const ParamValue* const value = params.Find(name);
  CHECK(value != nullptr);
  return *value;
}

// Compiles `text`, found at `mark`, as a Condition or a Quantity.
template <typename Compiled>
std::optional<Compiled> CompileText(std::string_view text, int mark,
                                    const SignalSchema& schema,
                                    std::vector<ParamError>& errors) {
  ExpressionError error;
  auto compiled = Compiled::Compile(text, schema, error);
  if (!compiled.has_value()) {
    errors.push_back({mark, error.offset, std::move(error.message)});
  }
  return compiled;
}

// The same, of a parameter that must be there.
template <typename Compiled>
std::optional<Compiled> CompileParam(const OperatorParams& params,
                                     std::string_view name,
                                     const SignalSchema& schema,
                                     std::vector<ParamError>& errors) {
  const ParamValue* const value = RequireParam(params, name, errors);
  if (value == nullptr) return std::nullopt;
  return CompileText<Compiled>(value->text, value->mark, schema, errors);
}

}  // namespace tacho
