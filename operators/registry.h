#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "operators/operator.h"
#include "pipeline/base/signal.h"
#include "pipeline/base/time.h"

namespace tacho {

// How a parameter of an operator is written in the job file.
enum class ParamKind : uint8_t {
  kExpression,  // Text, compiled against the job's signals.
  kDuration,    // "10s", "1m": checked by the job parser, in `duration`.
  kText,
  kGroup,        // A map of the parameter's `children`.
  kChoice,       // A map of exactly one of its `children`.
  kAggregates,   // A map: output name -> "function(signal)".
  kExpressions,  // A map: output name -> expression.
  kNames,        // A list of signals, a child each.
};

struct ParamDef {
  std::string_view name;
  ParamKind kind;
  bool required;
  // As it would be written; "" if none. "{}" of a group that is there, with its
  // children's defaults, when it is not given; any other is absent then, its
  // children's defaults with it. A choice has none.
  std::string_view default_text;
  std::string_view help;  // One line.
  // Of kGroup and kChoice. Those of a choice are neither required nor have
  // defaults: one of them is given.
  std::vector<ParamDef> children = {};
};

// A parameter as the job parser found it, or its default. Plain text in `text`;
// maps in `children`, in file order. `mark` is the parser's handle for the
// position of the text's first character (of a default: of the map it is not
// in).
struct ParamValue {
  std::string name;
  std::string text;
  int mark = -1;
  Millis duration{0};
  std::vector<ParamValue> children;

  const ParamValue* Find(std::string_view child) const {
    return FindValue(children, child);
  }
  static const ParamValue* FindValue(const std::vector<ParamValue>& values,
                                     std::string_view name) {
    for (const ParamValue& value : values) {
      if (value.name == name) return &value;
    }
    return nullptr;
  }
};

// An error in a parameter: where (mark, and characters into its text), what,
// and what to do.
struct ParamError {
  int mark;
  size_t offset;
  std::string message;
};

// The parameters of one operator of a job, checked for names and shapes:
// those given, and the others that have a default.
struct OperatorParams {
  std::vector<ParamValue> values;
  int mark = -1;  // Of the operator itself.

  const ParamValue* Find(std::string_view name) const {
    return ParamValue::FindValue(values, name);
  }
};

// Settings of the stream that its operators share.
struct StreamSettings {
  Millis vehicle_idle_timeout = std::chrono::minutes(30);
  Millis vehicle_forget = std::chrono::hours(24 * 7);
};

// What an operator makes. The last one of a stream makes rows.
enum class RowKind : uint8_t {
  kNone,       // It narrows the selection.
  kPerRecord,  // A row of every record: others may follow, and read them.
  kOwn,        // Rows when something is due: it is the last of its stream.
};

// A kind of operator: its name in the job file, its parameters (the table from
// which parser, schema and reference come), and how to make one.
struct OperatorType {
  std::string_view name;
  std::string_view help;
  // `name: VALUE` instead of a map sets this parameter; "" if not allowed.
  std::string_view shorthand;
  RowKind rows;
  std::vector<ParamDef> params;
  // Checks everything that can be known offline and appends every error;
  // nullptr if there was one. Called once per lane, and once to validate.
  std::unique_ptr<Operator> (*make)(const OperatorParams& params,
                                    const SignalSchema& schema,
                                    const StreamSettings& settings,
                                    std::vector<ParamError>& errors);
};

// The parameter of that name, or nullptr.
const ParamDef* FindParam(const std::vector<ParamDef>& params,
                          std::string_view name);

// Adds the parameters that have a default and are not among `values`, with
// `mark` as their place; in groups too, and in a group that was chosen.
void FillDefaults(const std::vector<ParamDef>& params, int mark,
                  std::vector<ParamValue>& values);

// An operator of a job.
struct OperatorConfig {
  const OperatorType* type = nullptr;
  OperatorParams params;
};

// Makes a stream's operators over records of `schema`, each for what the one
// before it makes. Errors as of OperatorType::make; then the list is empty.
std::vector<std::unique_ptr<Operator>> MakeOperators(
    const std::vector<OperatorConfig>& configs, const SignalSchema& schema,
    const StreamSettings& settings, std::vector<ParamError>& errors);

// The columns that an operator after `made` reads: what it makes, or, if it
// makes no rows, what it read.
SignalSchema ColumnsAfter(const Operator& made, const SignalSchema& before);

// All operators, in alphabetical order.
const std::vector<OperatorType>& OperatorTypes();
const OperatorType* FindOperatorType(std::string_view name);

}  // namespace tacho
